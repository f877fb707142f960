/** A button that says why it cannot be pressed. */
import type { ComponentPropsWithRef } from "react";
import type { Scope } from "@/generated/graphql";
import { useLack } from "@/lib/scopes";

export interface ButtonProps extends ComponentPropsWithRef<"button"> {
  isPrimary?: boolean | undefined;
  isDanger?: boolean | undefined;
  isBusy?: boolean | undefined;
  /** The permission it needs; without it the button stays, and says so. */
  needs?: Scope | undefined;
  /** Any other reason for which it cannot be pressed now. */
  lacks?: string | undefined;
}

export function Button({ isPrimary, isDanger, isBusy, needs, lacks, className = "", title, onClick, children, ...rest }: ButtonProps) {
  const lack = useLack(needs) ?? lacks;
  const looks = [isPrimary && "is-primary", isDanger && "is-danger", className].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      {...rest}
      className={`button ${looks}`}
      title={lack ?? title}
      aria-disabled={lack !== undefined || isBusy || undefined}
      aria-busy={isBusy || undefined}
      onClick={lack !== undefined || isBusy ? (event) => event.preventDefault() : onClick}
    >
      {children}
      {lack !== undefined && <span className="sr-only">{lack}</span>}
    </button>
  );
}
