import { act, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter, useLocation } from "react-router";
import { describe, expect, it } from "vitest";
import { read, useFilters, written } from "./filters";

const SHAPE = { status: ["ACTIVE", "FIXED"], q: "text" } as const;

describe("read", () => {
  it("takes words that there are, and any text, without the space around it", () => {
    expect(read(new URLSearchParams("status=FIXED&q=%20card+declined "), SHAPE)).toEqual({
      status: "FIXED",
      q: "card declined",
    });
  });

  it("leaves out words that there are not, empty texts, and what is no filter", () => {
    expect(read(new URLSearchParams("status=fixed&q=%20&project=2"), SHAPE)).toEqual({});
  });
});

it("writes filters and keeps all else as it was", () => {
  const before = new URLSearchParams("project=2&status=FIXED&q=card");
  expect(written<typeof SHAPE>(before, { status: undefined, q: "bank" }).toString()).toBe("project=2&q=bank");
  expect(before.get("status")).toBe("FIXED");
});

it("goes round through the URL", () => {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <MemoryRouter initialEntries={["/incidents?project=2&q=card"]}>{children}</MemoryRouter>
  );
  const { result } = renderHook(() => ({ filters: useFilters(SHAPE), at: useLocation() }), { wrapper });
  expect(result.current.filters[0]).toEqual({ q: "card" });

  act(() => result.current.filters[1]({ status: "ACTIVE", q: undefined }));

  expect(result.current.filters[0]).toEqual({ status: "ACTIVE" });
  expect(result.current.at.search).toBe("?project=2&status=ACTIVE");

  act(() => result.current.filters[2]?.());
  expect(result.current.at.search).toBe("?project=2");
  expect(result.current.filters[2]).toBeUndefined();
});
