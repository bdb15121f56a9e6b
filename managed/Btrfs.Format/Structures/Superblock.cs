using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>The block at 64 KiB (and its mirrors) that names the roots of everything. 4096 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct Superblock
{
    private readonly ChecksumField _csum;
    public readonly Uuid Fsid;

    /// <summary>The physical offset of this very copy.</summary>
    public readonly Le64 Bytenr;
    private readonly Le64 _flags;
    public readonly Le64 Magic;
    public readonly Le64 Generation;
    public readonly Le64 Root;
    public readonly Le64 ChunkRoot;
    public readonly Le64 LogRoot;
    public readonly Le64 LogRootTransId;
    public readonly Le64 TotalBytes;
    public readonly Le64 BytesUsed;
    public readonly Le64 RootDirObjectId;
    public readonly Le64 DeviceCount;
    public readonly Le32 SectorSize;
    public readonly Le32 NodeSize;
    public readonly Le32 LeafSize;
    public readonly Le32 StripeSize;
    public readonly Le32 SystemChunkArrayLength;
    public readonly Le64 ChunkRootGeneration;
    public readonly Le64 CompatFlags;
    private readonly Le64 _compatRoFlags;
    private readonly Le64 _incompatFlags;
    private readonly Le16 _csumType;
    public readonly byte RootLevel;
    public readonly byte ChunkRootLevel;
    public readonly byte LogRootLevel;
    public readonly DevItem DevItem;
    private readonly LabelField _label;
    public readonly Le64 CacheGeneration;
    public readonly Le64 UuidTreeGeneration;

    /// <summary>The UUID that tree blocks carry, where it differs from <see cref="Fsid"/> (MetadataUuid feature).</summary>
    public readonly Uuid MetadataUuidField;
    public readonly Le64 GlobalRootCount;
    private readonly Reserved216 _reserved;
    private readonly SystemChunkArrayField _systemChunkArray;
    private readonly RootBackupsField _rootBackups;
    private readonly Reserved565 _padding;

    public const int Size = 4096;

    /// <summary>"_BHRfS_M" read as a number.</summary>
    public const ulong ExpectedMagic = 0x4D5F53665248425F;

    public SuperblockFlags Flags => (SuperblockFlags)_flags.Value;

    public CompatRoFlags CompatRo => (CompatRoFlags)_compatRoFlags.Value;

    public IncompatFlags Incompat => (IncompatFlags)_incompatFlags.Value;

    public ChecksumType CsumType => (ChecksumType)_csumType.Value;

    /// <summary>The UUID that every tree block and device item of this file system carries.</summary>
    public Uuid MetadataUuid => (Incompat & IncompatFlags.MetadataUuid) != 0 ? MetadataUuidField : Fsid;

    [UnscopedRef]
    public ReadOnlySpan<byte> StoredChecksum => _csum[..];

    [UnscopedRef]
    public ReadOnlySpan<byte> Label
    {
        get
        {
            ReadOnlySpan<byte> padded = _label[..];
            int end = padded.IndexOf((byte)0);
            return end < 0 ? padded : padded[..end];
        }
    }

    [UnscopedRef]
    public ReadOnlySpan<byte> SystemChunkArray => _systemChunkArray[..];

    [UnscopedRef]
    public ReadOnlySpan<RootBackup> RootBackups => _rootBackups[..];
}

[InlineArray(FormatLimits.LabelSize)]
public struct LabelField
{
    private byte _first;
}

[InlineArray(216)]
public struct Reserved216
{
    private byte _first;
}

[InlineArray(565)]
public struct Reserved565
{
    private byte _first;
}

[InlineArray(FormatLimits.SystemChunkArraySize)]
public struct SystemChunkArrayField
{
    private byte _first;
}

[InlineArray(FormatLimits.BackupRootCount)]
public struct RootBackupsField
{
    private RootBackup _first;
}

/// <summary>The tree roots of one of the last four commits, for rescue. 168 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct RootBackup
{
    public readonly Le64 TreeRoot;
    public readonly Le64 TreeRootGeneration;
    public readonly Le64 ChunkRoot;
    public readonly Le64 ChunkRootGeneration;
    public readonly Le64 ExtentRoot;
    public readonly Le64 ExtentRootGeneration;
    public readonly Le64 FsRoot;
    public readonly Le64 FsRootGeneration;
    public readonly Le64 DevRoot;
    public readonly Le64 DevRootGeneration;
    public readonly Le64 CsumRoot;
    public readonly Le64 CsumRootGeneration;
    public readonly Le64 TotalBytes;
    public readonly Le64 BytesUsed;
    public readonly Le64 DeviceCount;
    private readonly Reserved32 _unused;
    public readonly byte TreeRootLevel;
    public readonly byte ChunkRootLevel;
    public readonly byte ExtentRootLevel;
    public readonly byte FsRootLevel;
    public readonly byte DevRootLevel;
    public readonly byte CsumRootLevel;
    private readonly Reserved10 _unusedBytes;

    public const int Size = 168;
}

[InlineArray(10)]
public struct Reserved10
{
    private byte _first;
}
