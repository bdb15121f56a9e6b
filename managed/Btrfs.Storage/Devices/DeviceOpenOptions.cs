namespace Btrfs.Storage;

/// <summary>How devices are opened.</summary>
public sealed record DeviceOpenOptions
{
    public static DeviceOpenOptions Default { get; } = new();

    /// <summary>
    /// Open to be written, as the only writer: refused where another program writes it or the kernel has it mounted. Other readers don't mind, and are not minded.
    /// </summary>
    public bool Writable { get; init; }

    /// <summary>
    /// Read past the page cache even where the device is not mounted. A mounted block device is always read so. Has no bearing on a writable one, whose writes
    /// go through that cache.
    /// </summary>
    public bool Direct { get; init; }

    /// <summary>Open although devices are missing; what they alone held then fails where it is read.</summary>
    public bool AllowMissingDevices { get; init; } = true;
}
