using BenchmarkDotNet.Attributes;
using Btrfs.Interop;

namespace Btrfs.Benchmarks.Micro;

/// <summary>Checksums over a run of 4 KiB sectors, as verification computes them. Run again with BTRFS_ENGINE_NATIVE=0 for the managed twins.</summary>
[MemoryDiagnoser]
public class ChecksumBenchmarks
{
    private const int SectorSize = 4096;

    private readonly uint[] _crcs = new uint[32];
    private readonly byte[] _digests = new byte[32 * 32];
    private readonly Crc32CShift _overSector = new(SectorSize);
    private byte[] _data = [];

    [GlobalSetup]
    public void Setup()
    {
        _data = new byte[_crcs.Length * SectorSize];
        new Random(1).NextBytes(_data);
    }

    [Benchmark]
    public void Crc32CSectors() => Crc32C.HashSectors(_data, SectorSize, _crcs);

    [Benchmark]
    public void XxHash64Sectors() => XxHash64.HashSectors(_data, SectorSize, _digests.AsSpan(0, _crcs.Length * 8));

    [Benchmark]
    public void Sha256Sectors() => Sha256.HashSectors(_data, SectorSize, _digests);

    [Benchmark]
    public void Blake2bSectors() => Blake2b256.HashSectors(_data, SectorSize, _digests);

    [Benchmark]
    public uint CrcOfCommandFromSectorSums()
    {
        uint register = 0;
        foreach (uint sum in _crcs)
            register = _overSector.UpdateByChecksum(register, sum);
        return register;
    }

    [Benchmark]
    public uint Combine() => Crc32C.Combine(0x12345678, 0x9ABCDEF0, SectorSize);
}
