/** An INVITE that has not been answered; what the stack does to it when it stops. */
export interface InviteUser {
  /** Refuses or cancels it, in words the peer can hear. */
  shutDown(): void;
  /** Ends it here: the peer had its time. */
  abandon(): void;
}
