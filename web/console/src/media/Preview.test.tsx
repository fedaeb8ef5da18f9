import { fireEvent, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { draw } from "../testing-page";
import { Preview } from "./Preview";
import { media, variant } from "./testing";

it("reads the media again when its picture does not load, once", () => {
  const refetch = vi.fn();
  const url = "https://store.example/photo?X-Amz-Date=20260125T080000Z";
  const photo = media({ variants: [variant("original"), variant("photo", { url })], variant_count: 2 });
  draw(<Preview media={photo} refetch={refetch} />);
  fireEvent.error(screen.getByRole("img"));
  expect(refetch).toHaveBeenCalledOnce();

  const fresh = { ...photo, variants: [variant("original"), variant("photo", { url: url.replace("0Z", "9Z") })] };
  draw(<Preview media={fresh} refetch={refetch} />);
  const [, shown] = screen.getAllByRole<HTMLImageElement>("img");
  expect(shown?.src).toContain("080009Z");
  fireEvent.error(shown as HTMLImageElement);
  expect(refetch).toHaveBeenCalledOnce();
});
