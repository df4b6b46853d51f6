/* shotfleet-capture: the built-in provider. */
#include "capture/capture.h"

int main(int argc, char **argv)
{
    struct capture_settings settings = { 0 };
    int code = 0;

    capture_settings_start(argc, argv, &settings);
    code = capture_run(&settings);
    capture_settings_release(&settings);
    return code;
}
