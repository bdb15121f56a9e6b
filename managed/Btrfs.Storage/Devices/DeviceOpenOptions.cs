namespace Btrfs.Storage;

/// <summary>How devices are opened.</summary>
public sealed record DeviceOpenOptions
{
    public static DeviceOpenOptions Default { get; } = new();

    /// <summary>Read past the page cache even where the device is not mounted. A mounted block device is always read so.</summary>
    public bool Direct { get; init; }

    /// <summary>Open although devices are missing; what they alone held then fails where it is read.</summary>
    public bool AllowMissingDevices { get; init; } = true;
}
