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

    /// <param name="paths">The devices, in any order.</param>
    /// <param name="report">Told what a person should know, such as missing devices or a damaged chunk tree.</param>
    /// <exception cref="BtrfsException">No file system can be made of the devices.</exception>
    /// <exception cref="IOException">A device can't be opened or read.</exception>
    public static TreeSource Open(IReadOnlyList<string> paths, Action<string> report) =>
        Open(DeviceSet.Open(paths, DeviceOpenOptions.Default), report);

    /// <summary>The same over devices that are open already; they are the source's from here on.</summary>
    public static TreeSource Open(DeviceSet devices, Action<string> report)
    {
        TreeSource source = new(devices);
        try
        {
            source._devices.LoadChunkTree(source.Blocks);
        }
        catch (CorruptMetadataException error)
        {
            report(error.Message);
        }

        foreach (string notice in source._devices.Notices)
            report(notice);
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
