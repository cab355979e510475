/*
 * Sends a minidump by the wire of Crashpad or of Breakpad, byte by byte as they do, and is as strict as they are
 * about the answer. Plain C and sockets: neither library, and nothing of the server, takes part.
 *
 *   sender crashpad HOST PORT RESOURCE DUMP NAME [FIELD=VALUE]...
 *   sender breakpad HOST PORT RESOURCE DUMP NAME [FIELD=VALUE]...
 *
 * Prints the body of the answer; exit code 0 when the client would call the upload a success.
 *
 * Crashpad (handler/crash_report_upload_thread.cc, util/net/http_multipart_builder.cc, http_transport_socket.cc):
 * fields sorted by name, then the file; gzip around the whole; HTTP/1.0 without a Host, in chunks of 32 KiB; the
 * status line must say 200, and the body is read by a header spelled "Content-Length".
 * Breakpad (common/linux/http_upload.cc): libcurl's form with a length, no Expect; any status from 400 is a failure.
 */
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct bytes {
  unsigned char *data;
  size_t size, room;
};

static void fail(const char *what) {
  fprintf(stderr, "sender: %s\n", what);
  exit(1);
}

static void put(struct bytes *to, const void *data, size_t size) {
  if (to->size + size > to->room) {
    to->room = (to->size + size) * 2;
    to->data = realloc(to->data, to->room);
    if (to->data == NULL) fail("out of memory");
  }
  memcpy(to->data + to->size, data, size);
  to->size += size;
}

static void put_text(struct bytes *to, const char *text) { put(to, text, strlen(text)); }

static void put_file(struct bytes *to, const char *path) {
  static unsigned char piece[65536];
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail("the dump cannot be opened");
  for (size_t have; (have = fread(piece, 1, sizeof piece, file)) > 0;) put(to, piece, have);
  fclose(file);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The form: every field, then the dump. */
static void put_form(struct bytes *to, const char *boundary, char **fields, int count,
                     const char *dump, const char *name) {
  qsort(fields, count, sizeof *fields, by_name);
  for (int i = 0; i < count; i++) {
    char *value = strchr(fields[i], '=');
    if (value == NULL) fail("a field without a value");
    put_text(to, "--");
    put_text(to, boundary);
    put_text(to, "\r\nContent-Disposition: form-data; name=\"");
    put(to, fields[i], value - fields[i]);
    put_text(to, "\"\r\n\r\n");
    put_text(to, value + 1);
    put_text(to, "\r\n");
  }
  put_text(to, "--");
  put_text(to, boundary);
  put_text(to, "\r\nContent-Disposition: form-data; name=\"upload_file_minidump\"; filename=\"");
  put_text(to, name);
  put_text(to, "\"\r\nContent-Type: application/octet-stream\r\n\r\n");
  put_file(to, dump);
  put_text(to, "\r\n--");
  put_text(to, boundary);
  put_text(to, "--\r\n");
}

static uint32_t crc32_of(const unsigned char *data, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}

static void put_u32(struct bytes *to, uint32_t value) {
  unsigned char le[4] = {value, value >> 8, value >> 16, value >> 24};
  put(to, le, 4);
}

/* RFC 1952 around stored blocks (RFC 1951, section 3.2.4). */
static void put_gzip(struct bytes *to, const struct bytes *from) {
  put(to, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  for (size_t at = 0; at < from->size;) {
    size_t left = from->size - at;
    uint16_t size = left < 65535 ? left : 65535;
    unsigned char head[5] = {left == size, size, size >> 8, ~size, (uint16_t)~size >> 8};
    put(to, head, 5);
    put(to, from->data + at, size);
    at += size;
  }
  put_u32(to, crc32_of(from->data, from->size));
  put_u32(to, from->size);
}

static void put_chunks(struct bytes *to, const struct bytes *from) {
  char line[20];
  for (size_t at = 0; at < from->size;) {
    size_t left = from->size - at;
    size_t size = left < 32768 ? left : 32768;
    sprintf(line, "%zx\r\n", size);
    put_text(to, line);
    put(to, from->data + at, size);
    put_text(to, "\r\n");
    at += size;
  }
  put_text(to, "0\r\n\r\n");
}

static int connect_to(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(host, port, &hints, &found) != 0) fail("no such host");
  int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) fail("no connection");
  freeaddrinfo(found);
  return fd;
}

static void send_all(int fd, const struct bytes *request) {
  for (size_t at = 0; at < request->size;) {
    ssize_t sent = write(fd, request->data + at, request->size - at);
    if (sent <= 0) fail("the connection ended while sending");
    at += sent;
  }
}

/* A line of the answer's head, with its end. */
static void read_line(int fd, char *line, size_t room) {
  size_t size = 0;
  do {
    if (size + 1 == room) fail("a line of the answer is too long");
    if (read(fd, line + size, 1) != 1) fail("the answer ended in its head");
  } while (line[size++] != '\n');
  line[size] = 0;
}

/* Answers with the status; prints as many bytes of body as "Content-Length" says. */
static int read_answer(int fd, int *has_length) {
  char line[4096];
  size_t length = 0;
  read_line(fd, line, sizeof line);
  if (strncmp(line, "HTTP/1.1 ", 9) != 0 && strncmp(line, "HTTP/1.0 ", 9) != 0) {
    fail("the answer does not begin with HTTP/1");
  }
  int status = atoi(line + 9);
  for (read_line(fd, line, sizeof line); strcmp(line, "\r\n") != 0; read_line(fd, line, sizeof line)) {
    if (strncmp(line, "Content-Length: ", 16) == 0) {
      length = strtoul(line + 16, NULL, 10);
      *has_length = 1;
    }
  }
  for (char byte; length > 0; length--) {
    if (read(fd, &byte, 1) != 1) fail("the answer ended in its body");
    putchar(byte);
  }
  return status;
}

int main(int argc, char **argv) {
  if (argc < 7) fail("usage: sender crashpad|breakpad HOST PORT RESOURCE DUMP NAME [FIELD=VALUE]...");
  int is_crashpad = strcmp(argv[1], "crashpad") == 0;
  const char *boundary = is_crashpad ? "---MultipartBoundary-0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P---"
                                     : "------------------------7f3c5a9e1b2d4860";
  struct bytes form = {0}, body = {0}, request = {0};
  char line[4096];

  put_form(&form, boundary, argv + 7, argc - 7, argv[5], argv[6]);
  if (is_crashpad) {
    put_gzip(&body, &form);
    snprintf(line, sizeof line,
             "POST %s HTTP/1.0\r\nContent-Encoding: gzip\r\n"
             "Content-Type: multipart/form-data; boundary=%s\r\nTransfer-Encoding: chunked\r\n\r\n",
             argv[4], boundary);
    put_text(&request, line);
    put_chunks(&request, &body);
  } else {
    snprintf(line, sizeof line,
             "POST %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: Breakpad/1.0 (Linux)\r\nAccept: */*\r\n"
             "Content-Length: %zu\r\nContent-Type: multipart/form-data; boundary=%s\r\n\r\n",
             argv[4], argv[2], argv[3], form.size, boundary);
    put_text(&request, line);
    put(&request, form.data, form.size);
  }

  int fd = connect_to(argv[2], argv[3]);
  int has_length = 0;
  send_all(fd, &request);
  int status = read_answer(fd, &has_length);
  close(fd);
  if (is_crashpad) return status == 200 && has_length ? 0 : 2;
  return status < 400 ? 0 : 22;
}
