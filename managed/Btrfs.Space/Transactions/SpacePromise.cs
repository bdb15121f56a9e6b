namespace Btrfs.Space.Transactions;

/// <summary>
/// Room that was promised to somebody who will allocate it later, and that nobody else gets until then. Bytes may be moved between promises as long as
/// somebody guards both; their sum is what the running transaction counts.
/// </summary>
public sealed class SpacePromise
{
    /// <summary>File data, in bytes: whole sectors.</summary>
    public ulong DataBytes { get; set; }

    /// <summary>Growth of the trees, in bytes.</summary>
    public ulong MetadataBytes { get; set; }

    public bool IsEmpty => (DataBytes | MetadataBytes) == 0;

    /// <summary>Takes all that another has.</summary>
    public void Absorb(SpacePromise other) => Absorb(other, other.DataBytes, other.MetadataBytes);

    /// <summary>Takes a part of what another has.</summary>
    public void Absorb(SpacePromise other, ulong dataBytes, ulong metadataBytes)
    {
        other.DataBytes = checked(other.DataBytes - dataBytes);
        other.MetadataBytes = checked(other.MetadataBytes - metadataBytes);
        DataBytes += dataBytes;
        MetadataBytes += metadataBytes;
    }
}
