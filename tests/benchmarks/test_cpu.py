from measure import cpu


def test_the_best_family_of_int8_graphs_is_what_the_cpu_has(monkeypatch):
    for found, expected in (
        (["avx2", "avx512f", "avx512_vnni"], "qint8_avx512_vnni"),
        (["avx2", "avx512f"], "qint8_avx512"),
        (["avx2"], "quint8_avx2"),
        ([], "qint8_arm64"),
    ):
        monkeypatch.setattr(cpu, "instructions", lambda found=found: found)
        assert cpu.int8_file() == expected


def test_a_cpu_without_a_file_about_it_has_a_name_all_the_same(monkeypatch):
    monkeypatch.setattr(cpu, "facts", dict)
    assert cpu.instructions() == []
    assert isinstance(cpu.name(), str)
