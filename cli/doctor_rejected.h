/* doctor_rejected.h - `shotfleet doctor rejected`: what ingest refused last. */
#ifndef CLI_DOCTOR_REJECTED_H
#define CLI_DOCTOR_REJECTED_H

/* `argv[0]` is "rejected"; `admin` where ingest's admin port is, or "".
 * Returns the exit code. */
int doctor_rejected(int argc, char **argv, const char *admin);

#endif
