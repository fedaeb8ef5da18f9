import { Kbd, Modal } from "@mantine/core";
import { Facts } from "../ui/Facts";

const KEYS = [
  { keys: ["j", "↓"], act: "Next row" },
  { keys: ["k", "↑"], act: "Previous row" },
  { keys: ["Enter"], act: "Open the row" },
  { keys: ["/"], act: "Search" },
  { keys: ["Esc"], act: "Leave the search, close a dialog" },
  { keys: ["?"], act: "This help" },
] as const;

/** The keys that lists and pages know. */
export default function KeysTable({ onClose }: { onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Keyboard shortcuts" size="sm">
      <Facts
        facts={KEYS.map(({ keys, act }) => [
          act,
          keys.map((key) => (
            <Kbd key={key} mr={4}>
              {key}
            </Kbd>
          )),
        ])}
      />
    </Modal>
  );
}
