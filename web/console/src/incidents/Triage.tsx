import { Button, Menu, Modal, Textarea, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { Triage as Decision, IncidentDetail, IncidentSummary } from "../api/schema";
import { changeThing } from "../api/thing";
import { Form } from "../ui/Form";
import { STATUSES, type Status, StatusMark, word } from "./marks";

/** Where the incident stands, and the menu that moves it on; marking it as fixed asks how. */
export function Triage({ incident }: { incident: IncidentDetail }) {
  const [fixing, { open, close }] = useDisclosure();
  const { run, running } = useTriage(incident, close);
  const choose = (status: Status) => (status === "FIXED" ? open() : run({ status }));
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" rightSection={<ChevronDown size={14} aria-hidden />} disabled={running}>
            <StatusMark status={incident.status} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Set the status</Menu.Label>
          {STATUSES.map((status) => (
            <Menu.Item
              key={status}
              disabled={status === incident.status && status !== "FIXED"}
              onClick={() => choose(status)}
            >
              <StatusMark status={status} />
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={fixing} onClose={close} title="How was it fixed?">
        <FixForm
          incident={incident}
          onCancel={close}
          onSave={(fix) => run({ status: "FIXED", ...fix })}
          saving={running}
        />
      </Modal>
    </>
  );
}

interface FormProps {
  incident: IncidentDetail;
  onCancel: () => void;
  onSave: (fix: Omit<Decision, "status">) => void;
  saving: boolean;
}

function FixForm({ incident, onCancel, onSave, saving }: FormProps) {
  const save = (form: HTMLFormElement) => {
    const given = new FormData(form);
    const said = ["fix_commit_hash", "fixed_in_release", "fix_notes"].flatMap((name) => {
      const value = String(given.get(name) ?? "").trim();
      return value ? [[name, value]] : [];
    });
    onSave(Object.fromEntries(said));
  };
  return (
    <Form act="Mark as fixed" onSubmit={save} onCancel={onCancel} saving={saving}>
      <TextInput
        name="fix_commit_hash"
        label="Commit"
        maxLength={64}
        defaultValue={incident.fix_commit_hash ?? ""}
        data-autofocus
      />
      <TextInput
        name="fixed_in_release"
        label="Fixed in release"
        description="Reports of older releases do not reopen it."
        placeholder={incident.last_release ?? undefined}
        maxLength={64}
        defaultValue={incident.fixed_in_release ?? ""}
      />
      <Textarea
        name="fix_notes"
        label="Notes"
        autosize
        minRows={3}
        maxLength={4000}
        defaultValue={incident.fix_notes ?? ""}
      />
    </Form>
  );
}

const idOf = (incident: IncidentSummary) => incident.incident_id;

function useTriage({ incident_id }: IncidentDetail, changed: () => void) {
  const client = useQueryClient();
  return useAction({
    run: (body: Decision) =>
      answer(api.PATCH("/incidents/{incident_id}", { params: { path: { incident_id } }, body })).then((incident) => {
        client.setQueryData(["incidents", "detail", incident_id], incident);
      }),
    done: (_, { status }) => {
      // Only now: what was typed is not lost where it is refused.
      changed();
      return `The incident is ${word(status).toLowerCase()}.`;
    },
    refused: "The status was not changed",
    changes: [["incidents"]],
    meanwhile: ({ status }) =>
      changeThing<IncidentSummary>(client, "incidents", incident_id, idOf, (incident) => ({ ...incident, status })),
  });
}
