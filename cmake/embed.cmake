# cmake -DOUT=file.c -DSYMBOL=name -DFILES=a;b [-DGZIP=program] -P embed.cmake
#
# Writes a C file with the bytes of each file and, as `SYMBOL`, the table of them
# (struct embedded of common/embedded.h), in the order given, ended by NULL.  With
# GZIP each is there a second time, compressed.
function(array name file out)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    set(${out} "static const unsigned char ${name}[] = { ${bytes}0 };\n"
        PARENT_SCOPE)
endfunction()

set(body "#include \"common/embedded.h\"\n\n")
set(table "")
set(n 0)
foreach(file ${FILES})
    get_filename_component(name "${file}" NAME)
    file(SIZE "${file}" size)
    array(data_${n} "${file}" data)
    set(row "\"${name}\", (const char *)data_${n}, ${size}")
    if(GZIP)
        # -n: no name and no time, so that the same file gives the same bytes
        execute_process(COMMAND "${GZIP}" -9nc "${file}"
                        OUTPUT_FILE "${OUT}.gz" COMMAND_ERROR_IS_FATAL ANY)
        file(SIZE "${OUT}.gz" size)
        array(gzip_${n} "${OUT}.gz" gzip)
        file(REMOVE "${OUT}.gz")
        string(APPEND data "${gzip}")
        string(APPEND row ", (const char *)gzip_${n}, ${size}")
    endif()
    string(APPEND body "${data}")
    string(APPEND table "    { ${row} },\n")
    math(EXPR n "${n} + 1")
endforeach()
file(WRITE "${OUT}"
    "${body}\nconst struct embedded ${SYMBOL}[] = {\n${table}    { 0 },\n};\n")
