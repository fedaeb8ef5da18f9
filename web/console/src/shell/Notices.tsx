import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";

/** Where what was done, or refused, is told. */
export default function Notices() {
  return <Notifications position="bottom-right" limit={4} />;
}
