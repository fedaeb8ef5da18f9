import { STATUSES, type Status } from "./roll";
import classes from "./StatusChoice.module.css";

interface Props {
  student_id: string;
  value: Status;
  onChange: (status: Status) => void;
}

/** How one student is marked. Plain radio buttons: there are hundreds of them on a page, and arrow keys move in them. */
export function StatusChoice({ student_id, value, onChange }: Props) {
  return (
    <fieldset className={classes.choice} aria-label={student_id}>
      {STATUSES.map((status) => {
        const word = `${status.charAt(0).toUpperCase()}${status.slice(1)}`;
        return (
          <label key={status} data-status={status}>
            <input
              type="radio"
              name={`status of ${student_id}`}
              aria-label={word}
              checked={value === status}
              onChange={() => onChange(status)}
            />
            <span className={classes.long}>{word}</span>
            <span className={classes.short}>{word.charAt(0)}</span>
          </label>
        );
      })}
    </fieldset>
  );
}
