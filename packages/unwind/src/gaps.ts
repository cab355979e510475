/** What a walk could not tell, each code with its meaning. */
export const walkGapCodes = {
  "frame-limit": "the stack has more frames than are walked",
  "scan-limit": "more of the stack would have to be scanned than is",
  "step-limit": "expressions of the unwind tables take more steps than are executed",
  "stack-switch-limit":
    "the walk goes through signal frames more often, or turns back at them, than is followed",
  "expression-damaged": "an expression of the unwind tables cannot be evaluated",
  "cfi-failed": "the unwind table gave no caller, so a weaker technique was used",
  "more-gaps": "there are more gaps than are kept",
} as const;
export type WalkGapCode = keyof typeof walkGapCodes;

export interface WalkGap {
  readonly code: WalkGapCode;
  readonly detail: string;
  /** Index of the frame whose caller was looked for. */
  readonly frame: number;
}
