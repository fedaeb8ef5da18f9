import { expect, it } from "vitest";
import { isAdmin, nameOf } from "./groups";

it.each([
  [{ groups: ["customer", "admin"] }, true],
  [{ groups: "admin" }, true],
  [{ groups: ["customer"] }, false],
  [{ groups: "administrators" }, false],
  [{ groups: { admin: true } }, false],
  [{ "cognito:groups": ["admin"] }, false],
  [{}, false],
])("%j makes an admin: %s", (claims, admin) => {
  expect(isAdmin(claims, "groups")).toBe(admin);
});

it("calls people by the best name there is", () => {
  expect(nameOf({ sub: "68", email: "ada@school.example", name: "Ada" })).toBe("Ada");
  expect(nameOf({ sub: "68", email: "ada@school.example", name: "" })).toBe("ada@school.example");
  expect(nameOf({ sub: "68" })).toBe("68");
});
