/** Colours of both components, light and dark; a page may set its own `--gc-…` on `:root`. Contrasts are WCAG AA. */
export const PALETTE = `
.gc{--surface:var(--gc-surface,#fff);--raised:var(--gc-raised,#f6f7f9);--text:var(--gc-text,#1a1d24);
--muted:var(--gc-muted,#596170);--line:var(--gc-line,#d9dde4);--accent:var(--gc-accent,#2f5bea);
--on-accent:var(--gc-on-accent,#fff);--tint:var(--gc-tint,#eef2ff);--good:#18794e;--bad:#c62a2f;--warn:#a35200;
box-sizing:border-box;color:var(--text);font:400 15px/1.45 var(--gc-font,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif)}
@media (prefers-color-scheme:dark){.gc{--surface:var(--gc-surface,#1b1e26);--raised:var(--gc-raised,#242833);
--text:var(--gc-text,#eceef2);--muted:var(--gc-muted,#a6adbb);--line:var(--gc-line,#373d4a);--accent:var(--gc-accent,#8ea8ff);
--on-accent:var(--gc-on-accent,#10131c);--tint:var(--gc-tint,#232b45);--good:#5bd09b;--bad:#ff8b8f;--warn:#ffb65c}}
.gc *,.gc *::before,.gc *::after{box-sizing:border-box}
.gc button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;cursor:pointer;border-radius:8px}
.gc button:focus-visible,.gc input:focus-visible+label{outline:2px solid var(--accent);outline-offset:2px}
.gc svg{display:block;flex:none}
.gc .gc-quiet{display:inline-flex;align-items:center;justify-content:center;gap:6px;min-width:36px;height:36px;padding:0 8px;
color:var(--muted)}
.gc .gc-quiet:hover{color:var(--text);background:var(--raised)}
.gc-unseen{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`;

export const NOTIFICATION = `
.gc-stack,.gc-notification:not(.gc-stack .gc-notification){position:fixed;z-index:2147483000;
right:max(16px,env(safe-area-inset-right));bottom:max(16px,env(safe-area-inset-bottom));width:min(400px,calc(100vw - 32px))}
.gc-stack{display:flex;flex-direction:column;gap:12px;max-height:calc(100dvh - 32px);overflow-y:auto}
.gc-notification{background:var(--surface);border:1px solid var(--line);border-left:4px solid var(--severity);
border-radius:12px;box-shadow:0 12px 32px rgb(0 0 0/.18);padding:14px 10px 14px 16px;animation:gc-rise .22s ease-out}
@keyframes gc-rise{from{opacity:0;transform:translateY(12px)}}
@media (prefers-reduced-motion:reduce){.gc-notification{animation:none}}
.gc-stack .gc-notification{position:relative}
.gc-notification header{display:flex;align-items:center;gap:8px;padding-right:40px}
.gc-notification .gc-close{position:absolute;top:8px;right:8px}
.gc-notification strong{flex:1;min-width:0;font-weight:600;overflow-wrap:anywhere}
.gc-badge{flex:none;font-size:11px;font-weight:700;letter-spacing:.06em;line-height:1;padding:4px 6px;border-radius:6px;
color:var(--accent);background:var(--tint)}
.gc-notification p{margin:4px 8px 0 0;overflow-wrap:anywhere}
.gc-notification .gc-safe{display:flex;align-items:center;gap:6px;margin-top:10px;color:var(--good);font-size:14px}
.gc-notification footer{display:flex;flex-wrap:wrap;align-items:center;gap:4px;margin:8px 0 -6px -8px}
.gc-notification footer a{color:var(--accent);padding:6px 8px;border-radius:8px}
.gc-notification footer svg{transition:transform .15s}
.gc-notification [aria-expanded=true] svg{transform:rotate(180deg)}
@media (prefers-reduced-motion:reduce){.gc-notification footer svg{transition:none}}
.gc-notification dl{display:grid;grid-template-columns:auto 1fr;gap:4px 12px;margin:10px 8px 0 0;padding:10px 12px;
border-radius:8px;background:var(--raised);font-size:13px;max-height:40vh;overflow:auto}
.gc-notification dt{color:var(--muted)}
.gc-notification dd{margin:0;overflow-wrap:anywhere}
`;

export const UPLOADER = `
.gc-uploader{display:flex;flex-direction:column;gap:14px;min-width:0}
.gc-drop{display:flex;flex-direction:column;align-items:center;gap:6px;padding:28px 20px;text-align:center;
border:1.5px dashed var(--line);border-radius:14px;background:var(--surface);transition:border-color .15s,background .15s}
.gc-drop[data-over]{border-color:var(--accent);border-style:solid;background:var(--tint)}
.gc-drop>svg{color:var(--accent)}
.gc-drop b{font-weight:600;font-size:16px}
.gc-drop small{color:var(--muted);font-size:13px}
.gc-choices{display:flex;flex-wrap:wrap;justify-content:center;gap:10px;margin-top:10px}
.gc .gc-choice{display:inline-flex;align-items:center;gap:8px;min-height:44px;padding:0 18px;border-radius:10px;font-weight:600;
border:1px solid var(--line)}
.gc .gc-choice:hover{background:var(--raised)}
.gc .gc-choice.gc-main{color:var(--on-accent);background:var(--accent);border-color:var(--accent)}
.gc .gc-choice.gc-main:hover{filter:brightness(1.07)}
.gc-camera{display:none}
@media (pointer:coarse){.gc-camera{display:contents}.gc-drop .gc-hint{display:none}}
.gc-files{list-style:none;margin:0;padding:0;display:flex;flex-direction:column;gap:10px}
.gc-files li{display:grid;grid-template-columns:52px minmax(0,1fr) auto;gap:2px 12px;align-items:center;padding:10px;
border:1px solid var(--line);border-radius:12px;background:var(--surface)}
.gc-thumb{grid-row:span 2;width:52px;height:52px;border-radius:8px;object-fit:cover;background:var(--raised);color:var(--muted);
display:grid;place-items:center;overflow:hidden}
.gc-name{font-weight:500;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;align-self:end}
.gc-state{grid-column:2;align-self:start;font-size:13px;color:var(--muted);font-variant-numeric:tabular-nums}
.gc-state[data-status=uploaded]{color:var(--good)}
.gc-state[data-status=failed]{color:var(--bad)}
.gc-acts{grid-row:1/span 2;grid-column:3;display:flex}
@media (max-width:480px){.gc-acts .gc-quiet span{display:none}}
.gc-bar{grid-column:2/-1;height:6px;margin-top:6px;border-radius:3px;background:var(--raised);overflow:hidden}
.gc-bar>i{display:block;height:100%;border-radius:3px;background:var(--accent);transform-origin:left;transition:transform .25s}
.gc-bar[data-finishing]>i{animation:gc-pulse 1.2s ease-in-out infinite alternate}
@keyframes gc-pulse{to{opacity:.45}}
@media (prefers-reduced-motion:reduce){.gc-bar>i,.gc-drop{transition:none}.gc-bar[data-finishing]>i{animation:none}}
`;
