import { Avatar, Menu, Text, UnstyledButton } from "@mantine/core";
import { LogOut, UserRound } from "lucide-react";
import { useAuth } from "react-oidc-context";
import { nameOf } from "../session/groups";
import { signOut } from "../session/manager";
import { settings } from "../settings";

/** Who is signed in, and the way out. */
export default function Account() {
  const claims = useAuth().user?.profile ?? {};
  const name = nameOf(claims);
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <UnstyledButton aria-label={`Signed in as ${name}`}>
          <Avatar size={28} color="indigo" variant="light">
            <UserRound size={16} aria-hidden />
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text fz="sm" fw={600} c="var(--text)" truncate>
            {name}
          </Text>
          <Text fz="xs">
            Groundcrew {settings.version}, {settings.stage}
          </Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={14} />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
