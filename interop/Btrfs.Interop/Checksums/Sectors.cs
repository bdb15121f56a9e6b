namespace Btrfs.Interop;

/// <summary>The argument check that all batch checksums share: past it lengths go to native code as they are.</summary>
internal static class Sectors
{
    internal static void Check(int dataLength, int sectorSize, int resultLength, int resultsPerSector)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sectorSize);
        if (dataLength % sectorSize != 0 || (long)resultLength * sectorSize != (long)dataLength * resultsPerSector)
        {
            throw new ArgumentException($"{dataLength} bytes in sectors of {sectorSize} do not fit {resultLength} results of {resultsPerSector} a sector");
        }
    }

    internal static void CheckDigest(int length, int digestSize)
    {
        if (length != digestSize)
        {
            throw new ArgumentException($"a digest has {digestSize} bytes, not {length}");
        }
    }
}
