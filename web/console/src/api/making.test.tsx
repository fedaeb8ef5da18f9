import { act, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { draw, ok, refusal, stubApi } from "../testing-page";
import { answer, api } from "./client";
import { useMaking } from "./making";

const BODY = { title: "Feed the hamster", recurrence: "daily" };
const WRONG = { Code: "InvalidRequest", Message: "No.", Details: [{ field: "title", message: "is too long" }] };

function Maker() {
  const { make, making, faults } = useMaking({
    what: "task",
    send: (body: typeof BODY, header) => answer(api.POST("/tasks", { params: { header }, body })),
    done: () => "It is made.",
    changes: [],
  });
  return (
    <button type="button" disabled={making} onClick={() => make(BODY)}>
      Make {faults.title}
    </button>
  );
}

it("sends what is sent again under the same key, and tells what is wrong by its field", async () => {
  const answers = [refusal(503, "Unavailable", "Try again."), { status: 400, body: WRONG }, ok({}, 201)];
  const calls = stubApi({ "POST /tasks": () => answers.shift() ?? ok({}) });
  draw(<Maker />);
  const button = screen.getByText<HTMLButtonElement>(/^Make/);
  for (const said of ["Try again.", "Make is too long", "It is made."]) {
    await waitFor(() => expect(button.disabled).toBe(false));
    act(() => button.click());
    await screen.findByText(said);
  }
  expect(button.textContent).toBe("Make ");
  expect(new Set(calls.map(({ headers }) => headers.get("Idempotency-Key"))).size).toBe(1);
});
