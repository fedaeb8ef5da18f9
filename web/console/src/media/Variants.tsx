import { Anchor } from "@mantine/core";
import type { Variant } from "../api/schema";
import { bytes } from "../ui/numbers";
import classes from "./Variants.module.css";
import { dimensions, length } from "./variants";

/** The files of a media; each opens by its name, the original as a download. */
export function Variants({ variants }: { variants: readonly Variant[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls it by the keys
    <div className={classes.scroller} tabIndex={0}>
      <table className={classes.variants}>
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Type</th>
            <th scope="col" data-align="end">
              Dimensions
            </th>
            <th scope="col" data-align="end">
              Length
            </th>
            <th scope="col" data-align="end">
              Size
            </th>
          </tr>
        </thead>
        <tbody>
          {variants.map((variant) => (
            <tr key={variant.name}>
              <td>
                <Anchor href={variant.url} target="_blank" rel="noreferrer" fz="sm">
                  {variant.name}
                </Anchor>
              </td>
              <td className="mono">{variant.content_type}</td>
              <td data-align="end">{dimensions(variant) ?? "–"}</td>
              <td data-align="end">{length(variant) ?? "–"}</td>
              <td data-align="end">{bytes(variant.size_bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
