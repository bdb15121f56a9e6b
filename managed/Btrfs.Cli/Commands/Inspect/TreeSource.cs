using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>A file system opened for looking at its blocks only: it asks for no more than a superblock and the system chunks.</summary>
internal sealed class TreeSource : IDisposable
{
    private const long CacheBytes = 32L << 20;

    private readonly DeviceSet _devices;

    private TreeSource(DeviceSet devices)
    {
        _devices = devices;
        Blocks = new ExtentBufferReader(devices.Volume, devices.Superblock, CacheBytes, devices.SeedFsids);
    }

    public ref readonly Superblock Superblock => ref _devices.Superblock;

    public ExtentBufferReader Blocks { get; }

    /// <inheritdoc cref="DeviceSet.Notices"/>
    public IReadOnlyList<string> Notices => _devices.Notices;

    /// <param name="devices">The source owns them from here on.</param>
    /// <param name="report">Told where the chunk tree is damaged: what it would have mapped is then not found.</param>
    public static TreeSource Open(DeviceSet devices, Action<string> report)
    {
        TreeSource source = new(devices);
        try
        {
            devices.LoadChunkTree(source.Blocks);
        }
        catch (CorruptMetadataException error)
        {
            report(error.Message);
        }

        return source;
    }

    /// <summary>The block at an address, of which nothing else is known.</summary>
    /// <exception cref="CorruptMetadataException">No mirror has a sound block there.</exception>
    public ExtentBuffer ReadAny(LogicalAddress bytenr)
    {
        CorruptMetadataException? fault = null;
        int mirrors = _devices.Volume.MirrorCount(bytenr);
        for (int mirror = 1; mirror <= mirrors; mirror++)
        {
            try
            {
                BlockHeader header = ReadHeader(bytenr, mirror);
                return Blocks.Read(new BlockPointer(bytenr, Generation: 0, header.Level, FirstKey: null), header.Owner);
            }
            catch (CorruptMetadataException error)
            {
                fault = error;
            }
            catch (IOException error)
            {
                fault ??= new CorruptMetadataException(0, bytenr, -1, error.Message);
            }
        }

        throw fault!;
    }

    public void Dispose() => _devices.Dispose();

    private BlockHeader ReadHeader(LogicalAddress bytenr, int mirror)
    {
        Span<byte> bytes = stackalloc byte[BlockHeader.Size];
        _devices.Volume.Read(bytenr, bytes, mirror);
        return ItemRecord.Read<BlockHeader>(bytes);
    }
}
