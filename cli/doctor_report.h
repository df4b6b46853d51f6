/* doctor_report.h - what ingest would make of a saved webhook, line by line. */
#ifndef DOCTOR_REPORT_H
#define DOCTOR_REPORT_H

#include <stdio.h>

#include "cli/saved_request.h"
#include "common/diagnosis.h"

/* Writes to `out`; true when ingest would let it in. */
bool doctor_report(const struct diagnosis_terms *terms,
                   const struct saved_request *request, int64_t max_body_bytes,
                   FILE *out);

#endif
