import { Select, type SelectProps } from "@mantine/core";
import { useState } from "react";

interface Props extends Omit<SelectProps, "data" | "onChange" | "value"> {
  value: string;
  onChange: (zone: string) => void;
}

/** Chooses a time zone by a part of its name. */
export function ZoneSelect({ value, onChange, ...props }: Props) {
  const [zones] = useState(() => [...new Set(["UTC", value, ...Intl.supportedValuesOf("timeZone")])]);
  return (
    <Select
      label="Time zone"
      searchable
      allowDeselect={false}
      limit={60}
      nothingFoundMessage="No such time zone"
      data={zones}
      value={value}
      onChange={(zone) => zone && onChange(zone)}
      {...props}
    />
  );
}
