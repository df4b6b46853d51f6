#include "cli/picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/image.h"
#include "common/json.h"
#include "common/mem.h"

int picture_folder(const char *folder)
{
    struct stat st;

    if (mkdir(folder, 0777) == 0)
        return 0;
    if (errno == EEXIST && stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    cli_complain("could not make folder \"%s\": %s", folder, strerror(errno));
    return -1;
}

static int on_bytes(const char *ptr, size_t len, void *arg)
{
    return fwrite(ptr, 1, len, arg) == len ? 0 : -1;
}

/* From api into the file; -1 with a complaint. */
static int fetch(struct service *s, const char *url, const char *path)
{
    FILE *f = fopen(path, "wxe");
    enum service_outcome outcome;
    int rc = -1;

    if (!f) {
        cli_complain("could not make file \"%s\": %s", path, strerror(errno));
        return -1;
    }
    outcome = service_get(s, url, on_bytes, f);
    if (ferror(f))
        cli_complain("could not write \"%s\": %s", path, strerror(errno));
    else if (outcome != SERVICE_ANSWERED || service_status(s) != 200)
        cli_complain("could not fetch picture %s%s: %s (status %ld)",
                     service_base(s), url, service_error(s), service_status(s));
    else
        rc = 0;
    if (fclose(f) != 0 && rc == 0) {
        cli_complain("could not write \"%s\": %s", path, strerror(errno));
        rc = -1;
    }
    return rc;
}

int picture_save(struct service *s, struct json_object *document,
                 const char *folder)
{
    const char *id = json_text(document, "jobId");
    const char *url = json_text(document, "image.url");
    const char *type = json_text(document, "image.type");
    enum image_type kind = image_type_parse(type ? type : "");
    char *path = NULL;
    char *part = NULL;
    int rc = -1;

    /* the name comes from api, and becomes a path here */
    if (!id || !url || kind == IMAGE_UNKNOWN || strchr(id, '/') ||
        url[0] != '/') {
        cli_complain("api sent no picture that could be saved");
        return -1;
    }
    path = mem_format("%s/%s.%s", folder, id, image_extension(kind));
    part = mem_format("%s.part-%d", path, (int)getpid());
    if (fetch(s, url, part) == 0) {
        rc = rename(part, path);
        if (rc != 0)
            cli_complain("could not make file \"%s\": %s", path,
                         strerror(errno));
    }
    if (rc != 0)
        unlink(part);
    free(path);
    free(part);
    return rc;
}
