/* shotfleet-thumbnail: a picture on standard input, a small one on standard
 * output.
 *
 * shotfleet-api runs one for each thumbnail.  It takes bytes that a page, or
 * whoever rules a provider, may have made to break decoders; so it has nothing
 * to lose and nowhere to go (sandbox.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base.h"
#include "common/limits.h"
#include "thumbnail/decode.h"
#include "thumbnail/encode.h"
#include "thumbnail/sandbox.h"

enum { EXIT_NO_PICTURE = 1, EXIT_USAGE = 2, MESSAGE_SIZE = 256 };

static const char help[] =
    "usage: shotfleet-thumbnail < PICTURE > thumbnail.webp\n"
    "\n"
    "Makes a PNG, JPEG or WebP file small: 640 pixels wide, and of what is\n"
    "taller than that the top, as WebP.  shotfleet-api runs it; it may only\n"
    "compute and write (seccomp), in 512 MiB and 5 seconds.\n"
    "\n"
    "Exit codes: 0 done, 1 the picture cannot be made small, 2 not started\n"
    "like that, or not on this machine.\n";

static _Noreturn void fail(int code, const char *reason)
{
    char line[MESSAGE_SIZE + 32];
    int len = snprintf(line, sizeof line, "shotfleet-thumbnail: %s\n", reason);

    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        _exit(code); /* nobody listens */
    _exit(code);
}

static const uint8_t *map_input(size_t *len)
{
    struct stat st;
    void *ptr;

    if (fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode))
        fail(EXIT_USAGE, "standard input must be a file");
    if (st.st_size == 0 || st.st_size > LIMIT_PICTURE_BYTES)
        fail(EXIT_NO_PICTURE, "the picture is empty, or larger than any");
    *len = (size_t)st.st_size;
    ptr = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (ptr == MAP_FAILED)
        fail(EXIT_USAGE, strerror(errno));
    return ptr;
}

static void write_all(const uint8_t *ptr, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, ptr, len);

        if (n < 0)
            fail(EXIT_USAGE, strerror(errno));
        ptr += n;
        len -= (size_t)n;
    }
}

int main(int argc, char **argv)
{
    char error[MESSAGE_SIZE] = "";
    struct shrink small;
    struct encoded out;
    const uint8_t *ptr;
    size_t len = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(help, stdout) < 0;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("shotfleet-thumbnail " SHOTFLEET_VERSION) < 0;
    if (argc > 1)
        fail(EXIT_USAGE, "it takes no arguments but --help and --version");
    ptr = map_input(&len);
    if (sandbox_enter(error, sizeof error) != 0)
        fail(EXIT_USAGE, error);
    if (decode_small(&small, ptr, len, error) != 0)
        fail(EXIT_NO_PICTURE, error);
    if (encode_webp(&out, &small) != 0)
        fail(EXIT_NO_PICTURE, "it could not be written as WebP");
    write_all(out.ptr, out.len);
    _exit(0); /* the memory goes with the process */
}
