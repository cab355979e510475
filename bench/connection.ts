/**
 * The load generator's HTTP client: one kept-alive connection, one request under way, no objects made of
 * headers. Reads answers with a Content-Length, which is all that the service sends.
 */
import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Connection {
  /** Sends whole request bytes; one at a time. Rejects when the connection ends before the answer. */
  send(request: Uint8Array): Promise<Answer>;
  close(): void;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** `localAddress`: where the connection is to come from; by default the system chooses. */
export function openConnection(host: string, port: number, localAddress?: string): Connection {
  let socket: Socket | null = null;
  let waiting: Waiting | null = null;
  let received = "";

  function settle(outcome: Answer | Error): void {
    const settled = waiting;
    waiting = null;
    received = "";
    if (outcome instanceof Error) settled?.reject(outcome);
    else settled?.resolve(outcome);
  }

  function open(): Socket {
    const opened = connect({
      host,
      port,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    opened.setEncoding("latin1");
    opened.on("data", (chunk: string) => {
      received += chunk;
      const answer = readAnswer(received);
      if (answer !== null) settle(answer);
    });
    opened.on("error", (error) => settle(error));
    opened.on("close", () => {
      if (socket === opened) socket = null;
      settle(new Error("the connection ended before the answer"));
    });
    return opened;
  }

  return {
    send(request) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket ??= open();
        socket.write(request);
      });
    },
    close() {
      socket?.destroy();
    },
  };
}

/** Null while more bytes are to come. */
function readAnswer(text: string): Answer | null {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const head = text.slice(0, headEnd);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  const body = text.slice(headEnd + 4);
  return body.length < length ? null : { status: Number(head.slice(9, 12)), body };
}
