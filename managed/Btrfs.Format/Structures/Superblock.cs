using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>The block at 64 KiB (and its mirrors) that names the roots of everything. 4096 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct Superblock
{
    private ChecksumField _csum;
    public Uuid Fsid;

    /// <summary>The physical offset of this very copy.</summary>
    public Le64 Bytenr;
    private Le64 _flags;
    public Le64 Magic;
    public Le64 Generation;
    public Le64 Root;
    public Le64 ChunkRoot;
    public Le64 LogRoot;
    public Le64 LogRootTransId;
    public Le64 TotalBytes;
    public Le64 BytesUsed;
    public Le64 RootDirObjectId;
    public Le64 DeviceCount;
    public Le32 SectorSize;
    public Le32 NodeSize;
    public Le32 LeafSize;
    public Le32 StripeSize;
    public Le32 SystemChunkArrayLength;
    public Le64 ChunkRootGeneration;
    public Le64 CompatFlags;
    private Le64 _compatRoFlags;
    private Le64 _incompatFlags;
    private Le16 _csumType;
    public byte RootLevel;
    public byte ChunkRootLevel;
    public byte LogRootLevel;
    public DevItem DevItem;
    private LabelBytes _label;
    public Le64 CacheGeneration;
    public Le64 UuidTreeGeneration;

    /// <summary>The UUID that tree blocks carry, where it differs from <see cref="Fsid"/> (MetadataUuid feature).</summary>
    public Uuid MetadataUuidField;
    public Le64 GlobalRootCount;
    private Reserved216 _reserved;
    private SystemChunkArrayBytes _systemChunkArray;
    private RootBackupSlots _rootBackups;
    private Reserved565 _padding;

    public const int Size = 4096;

    /// <summary>"_BHRfS_M" read as a number.</summary>
    public const ulong ExpectedMagic = 0x4D5F53665248425F;

    public SuperblockFlags Flags
    {
        readonly get => (SuperblockFlags)_flags.Value;
        set => _flags = (ulong)value;
    }

    public CompatRoFlags CompatRo
    {
        readonly get => (CompatRoFlags)_compatRoFlags.Value;
        set => _compatRoFlags = (ulong)value;
    }

    public IncompatFlags Incompat
    {
        readonly get => (IncompatFlags)_incompatFlags.Value;
        set => _incompatFlags = (ulong)value;
    }

    public ChecksumType CsumType
    {
        readonly get => (ChecksumType)_csumType.Value;
        set => _csumType = (ushort)value;
    }

    /// <summary>The UUID that every tree block and device item of this file system carries.</summary>
    public readonly Uuid MetadataUuid => (Incompat & IncompatFlags.MetadataUuid) != 0 ? MetadataUuidField : Fsid;

    [UnscopedRef]
    public readonly ReadOnlySpan<byte> StoredChecksum => _csum[..];

    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Label
    {
        get
        {
            ReadOnlySpan<byte> padded = _label[..];
            int end = padded.IndexOf((byte)0);
            return end < 0 ? padded : padded[..end];
        }
    }

    /// <summary>The whole label field, padded with zeros, to be written.</summary>
    [UnscopedRef]
    public Span<byte> LabelField => _label[..];

    /// <summary>The whole array of system chunks, to be written.</summary>
    [UnscopedRef]
    public Span<byte> SystemChunkArrayField => _systemChunkArray[..];

    /// <summary>The backup roots, to be written: the place of generation N is N modulo four.</summary>
    [UnscopedRef]
    public Span<RootBackup> RootBackupsField => _rootBackups[..];

    [UnscopedRef]
    public readonly ReadOnlySpan<byte> SystemChunkArray => _systemChunkArray[..];

    [UnscopedRef]
    public readonly ReadOnlySpan<RootBackup> RootBackups => _rootBackups[..];
}

[InlineArray(FormatLimits.LabelSize)]
public struct LabelBytes
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
public struct SystemChunkArrayBytes
{
    private byte _first;
}

[InlineArray(FormatLimits.BackupRootCount)]
public struct RootBackupSlots
{
    private RootBackup _first;
}

/// <summary>The tree roots of one of the last four commits, for rescue. 168 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct RootBackup
{
    public Le64 TreeRoot;
    public Le64 TreeRootGeneration;
    public Le64 ChunkRoot;
    public Le64 ChunkRootGeneration;
    public Le64 ExtentRoot;
    public Le64 ExtentRootGeneration;
    public Le64 FsRoot;
    public Le64 FsRootGeneration;
    public Le64 DevRoot;
    public Le64 DevRootGeneration;
    public Le64 CsumRoot;
    public Le64 CsumRootGeneration;
    public Le64 TotalBytes;
    public Le64 BytesUsed;
    public Le64 DeviceCount;
    private Reserved32 _unused;
    public byte TreeRootLevel;
    public byte ChunkRootLevel;
    public byte ExtentRootLevel;
    public byte FsRootLevel;
    public byte DevRootLevel;
    public byte CsumRootLevel;
    private Reserved10 _unusedBytes;

    public const int Size = 168;
}

[InlineArray(10)]
public struct Reserved10
{
    private byte _first;
}
