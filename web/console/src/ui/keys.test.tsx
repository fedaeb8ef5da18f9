import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { useRowKeys } from "./keys";

function Rows() {
  const list = useRowKeys<HTMLUListElement>();
  return (
    <>
      <input aria-label="Search" />
      <ul ref={list}>
        {["one", "two"].map((name) => (
          <li key={name}>
            <a href={`/${name}`} data-row>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

it("moves the focus through the rows, and stays at the ends", async () => {
  render(<Rows />);
  const user = userEvent.setup();
  const focused = () => document.activeElement?.textContent;
  await user.keyboard("j");
  expect(focused()).toBe("one");
  await user.keyboard("{ArrowDown}");
  expect(focused()).toBe("two");
  await user.keyboard("j");
  expect(focused()).toBe("two");
  await user.keyboard("k");
  expect(focused()).toBe("one");
});

it("leaves letters to whoever types them", async () => {
  render(<Rows />);
  await userEvent.type(screen.getByLabelText("Search"), "jk");
  expect(screen.getByLabelText<HTMLInputElement>("Search").value).toBe("jk");
});
