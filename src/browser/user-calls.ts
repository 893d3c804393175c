/** Which users are talking, for those who do not want a second call meanwhile. */
export class UserCalls {
  private readonly talking = new Map<string, number>();

  /** Counts a call of the user's; call what comes back once, when it is over. */
  begin(user: string): () => void {
    this.talking.set(user, this.of(user) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = this.of(user) - 1;
      if (left > 0) this.talking.set(user, left);
      else this.talking.delete(user);
    };
  }

  /** Calls the user is in. */
  of(user: string): number {
    return this.talking.get(user) ?? 0;
  }
}
