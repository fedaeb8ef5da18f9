import { Button, Modal } from "@mantine/core";
import { CircleAlert, CircleCheck, Send } from "lucide-react";
import { useState } from "react";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { RuleTest, RuleView } from "../api/schema";
import { Mark } from "../ui/Mark";
import classes from "./Test.module.css";
import { channelWord } from "./words";

/** Sends a test alert by each channel of a rule, and shows what came of it. */
export function Test({ rule: { rule_id, name } }: { rule: RuleView }) {
  const [results, setResults] = useState<RuleTest["results"]>();
  const { run, running } = useAction({
    run: (id: string) => answer(api.POST("/alerts/rules/{rule_id}/test", { params: { path: { rule_id: id } } })),
    done: (test) => {
      setResults(test.results);
      return "";
    },
    refused: "The rule was not tested",
    changes: [],
  });
  return (
    <>
      <Button
        variant="default"
        leftSection={<Send size={14} aria-hidden />}
        loading={running}
        onClick={() => run(rule_id)}
      >
        Test
      </Button>
      <Modal opened={results !== undefined} onClose={() => setResults(undefined)} title={`Test of ${name}`}>
        <ul className={classes.results}>
          {results?.map(({ channel, delivered, reason }, nth) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: channels have no other name, and do not move
            <li key={nth}>
              <span>{channelWord(channel)}</span>
              {delivered ? (
                <Mark tone="green" icon={<CircleCheck size={14} />}>
                  Delivered
                </Mark>
              ) : (
                <Mark tone="red" icon={<CircleAlert size={14} />}>
                  Not delivered
                </Mark>
              )}
              {reason && <span className={classes.reason}>{reason}</span>}
            </li>
          ))}
        </ul>
      </Modal>
    </>
  );
}
