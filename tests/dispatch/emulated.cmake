# The same on processors that lack most instruction sets, as QEMU imitates them: Nehalem (2008) and
# Haswell (2013). Its user mode knows no AVX-512.
find_program(REVLORA_QEMU qemu-x86_64)
mark_as_advanced(REVLORA_QEMU)
set(qemu ${REVLORA_QEMU})
if(NOT qemu)
  message(STATUS "revlora: no qemu-x86_64, the tests on older processors will not run")
  set(qemu qemu-x86_64)
endif()

foreach(processor IN ITEMS Nehalem Haswell)
  add_test(NAME dispatch.on.${processor}
           COMMAND ${qemu} -cpu ${processor} $<TARGET_FILE:revlora_dispatch_tests>
                   --gtest_filter=Dispatch*:GoldenRecord*:Recipe*)
  set_tests_properties(dispatch.on.${processor} PROPERTIES TIMEOUT 1800)
endforeach()
set(on_nehalem ${qemu} -cpu Nehalem)
set(on_haswell ${qemu} -cpu Haswell)
revlora_choice_test(on.Nehalem "" "merged by sse2" ${on_nehalem})
revlora_choice_test(on.Haswell "" "merged by avx2" ${on_haswell})
revlora_choice_test(on.Haswell.sse2 sse2 "merged by sse2" ${on_haswell})
revlora_choice_test(on.Nehalem.avx2 avx2 "refused: REVLORA_ISA names .avx2., which does not run here"
                    ${on_nehalem})
foreach(set IN ITEMS avx512 avx512vbmi2 avx512bf16 amx)
  revlora_choice_test(on.Haswell.${set} ${set}
                      "refused: REVLORA_ISA names .${set}., .* possible here: sse2 avx2"
                      ${on_haswell})
endforeach()

if(NOT REVLORA_QEMU)
  get_property(tests DIRECTORY PROPERTY TESTS)
  list(FILTER tests INCLUDE REGEX "\\.on\\.")
  set_tests_properties(${tests} PROPERTIES DISABLED TRUE)
endif()
