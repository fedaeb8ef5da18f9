/** A component's styles. React 19 keeps one of each name in the page's head; older ones leave it where it is. */
export function Style({ name, css }: { name: string; css: string }) {
  return (
    <style href={`groundcrew-${name}`} precedence="groundcrew">
      {css}
    </style>
  );
}
