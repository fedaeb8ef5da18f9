import { useState } from "react";
import { ApiError } from "./error";

/** What the API found wrong, by the field that it is wrong in. */
export type Faults = Readonly<Record<string, string>>;

/** The faults of the last call that was watched, and what watches one; the call ends as it would have anyway. */
export function useFaults(): [Faults, <Data>(call: Promise<Data>) => Promise<Data>] {
  const [faults, setFaults] = useState<Faults>({});
  const watch = async <Data>(call: Promise<Data>) => {
    setFaults({});
    try {
      return await call;
    } catch (error) {
      if (error instanceof ApiError) {
        setFaults(Object.fromEntries(error.details.map(({ field, message }) => [field, message])));
      }
      throw error;
    }
  };
  return [faults, watch];
}
