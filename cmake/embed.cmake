# cmake -DOUT=file.c -DSYMBOL=name -DFILES=a;b -P embed.cmake
#
# Writes a C file with the bytes of each file and, as `SYMBOL`, the table of them
# (struct embedded of common/embedded.h), in the order given, ended by NULL.
set(body "#include \"common/embedded.h\"\n\n")
set(table "")
set(n 0)
foreach(file ${FILES})
    file(READ "${file}" hex HEX)
    file(SIZE "${file}" size)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    get_filename_component(name "${file}" NAME)
    string(APPEND body
        "static const unsigned char data_${n}[] = { ${bytes}0 };\n")
    string(APPEND table "    { \"${name}\", (const char *)data_${n}, ${size} },\n")
    math(EXPR n "${n} + 1")
endforeach()
file(WRITE "${OUT}"
    "${body}\nconst struct embedded ${SYMBOL}[] = {\n${table}    { 0 },\n};\n")
