#include "common/ca_file.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

int ca_file_check(const char *path, char error[SETTINGS_ERROR_SIZE])
{
    X509_STORE *store;
    int loaded;

    if (!*path)
        return 0;
    store = X509_STORE_new();
    if (!store)
        abort(); /* only when memory is out */
    loaded = X509_STORE_load_file(store, path);
    X509_STORE_free(store);
    ERR_clear_error();
    if (loaded)
        return 0;
    snprintf(error, SETTINGS_ERROR_SIZE,
             "could not read SHOTFLEET_CA_FILE=\"%.200s\": no certificate in "
             "PEM form is there",
             path);
    return -1;
}
