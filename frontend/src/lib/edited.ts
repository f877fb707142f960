/** Editing what others may change meanwhile: what is saved goes with the version at which editing began. */
import { useState } from "react";

interface Versioned {
  version: number;
}

/** What is expected of an object that is to be made: that there is none of its name. */
const NOT_THERE = 0;

export interface Edited {
  /** The version at which editing began; 0 for what is to be made. */
  expectedVersion: number;
  /** Whether somebody has changed it since. */
  isBehind: boolean;
  /** Save over what somebody has changed. */
  keep: () => void;
}

/** Of a dialog: it is there as long as one edits. ``current`` is the object as it is now; undefined makes one. */
export function useEdited(current: Versioned | undefined): Edited {
  const [expectedVersion, setExpected] = useState(current?.version ?? NOT_THERE);
  return {
    expectedVersion,
    isBehind: current !== undefined && current.version !== expectedVersion,
    keep: () => setExpected(current?.version ?? NOT_THERE),
  };
}

export interface Held<Value> extends Edited {
  /** What to fill the form in with: as it was when editing began, or as it is now. A form's key is its version. */
  shown: Value;
  /** Editing has begun: from now on the form stays as it is, whoever changes the object. */
  hold: () => void;
  /** Drop what is written, and show the object as it is now. */
  release: () => void;
}

/** Of a form on a page, which is there before one edits and after. */
export function useHeld<Value extends Versioned>(current: Value): Held<Value> {
  const [held, setHeld] = useState<{ shown: Value; expectedVersion: number }>();
  const expectedVersion = held?.expectedVersion ?? current.version;
  return {
    shown: held?.shown ?? current,
    expectedVersion,
    isBehind: expectedVersion !== current.version,
    hold: () => setHeld((before) => before ?? { shown: current, expectedVersion: current.version }),
    keep: () => setHeld((before) => before && { ...before, expectedVersion: current.version }),
    release: () => setHeld(undefined),
  };
}
