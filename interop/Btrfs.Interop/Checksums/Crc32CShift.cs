namespace Btrfs.Interop;

/// <summary>Moves crc32c registers over one certain number of bytes: what <see cref="Crc32C.Combine"/> finds out anew for each other length is found out once.</summary>
public readonly struct Crc32CShift
{
    private readonly uint _factor;

    /// <param name="length">In bytes.</param>
    public Crc32CShift(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _factor = Crc32CManaged.ShiftFactor((ulong)length);
    }

    /// <summary>As <see cref="Crc32C.Combine"/>, where B has this length.</summary>
    public uint Combine(uint registerA, uint registerB) => Crc32CManaged.Shift(registerA, _factor) ^ registerB;

    /// <summary>As <see cref="Crc32C.UpdateByChecksum"/>, for data of this length.</summary>
    public uint UpdateByChecksum(uint register, uint checksum) => Combine(~register, ~checksum);
}
