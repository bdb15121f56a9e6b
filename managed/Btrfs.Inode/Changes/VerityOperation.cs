using System.Buffers.Binary;
using System.Numerics;
using Btrfs.Format;
using Btrfs.Inode.Verity;

namespace Btrfs.Inode.Changes;

/// <summary>
/// Makes a file one that is verified as it is read: hashes its content, and keeps the tree of hashes and a descriptor in items beside the inode. What makes it count is
/// a flag of the inode, which comes last; until then it can begin anew at any time.
/// </summary>
internal sealed class VerityOperation(ulong inode, VeritySettings settings) : IDisposable
{
    public const int ItemsPerStep = 64;

    private const int StepBytes = 1 << 20;
    private const int MinBlockSize = 1024;

    /// <summary>The kernel cuts what it keeps in items into such pieces.</summary>
    private const int PieceBytes = 2048;

    // struct fsverity_descriptor.
    private const int DescriptorBytes = 256;
    private const int SignatureSizeOffset = 4;
    private const int DataSizeOffset = 8;
    private const int RootHashOffset = 16;
    private const int SaltOffset = 80;

    // struct btrfs_verity_descriptor_item: the size of what follows, 16 bytes for later, no encryption.
    private const int HeadBytes = 25;

    private readonly byte[] _buffer = new byte[StepBytes];
    private MerkleTree? _tree;
    private ulong _position;

    /// <summary>One part of the work.</summary>
    /// <returns>Whether it is done.</returns>
    public bool Step(Change change)
    {
        InodeItem item = change.GetWritableFile(inode);
        if (_tree is null)
        {
            Require(change);
            RemoveItems(change, ItemType.VerityDescItem);
            RemoveItems(change, ItemType.VerityMerkleItem);
            _tree = new MerkleTree(settings, item.FileSize);
        }

        if (_position < item.FileSize.Value)
        {
            Hash(change, item);
            return false;
        }

        Finish(change, ref item);
        return true;
    }

    public void Dispose() => _tree?.Dispose();

    private void Require(Change change)
    {
        bool isKnown = settings.Algorithm is VerityAlgorithm.Sha256 or VerityAlgorithm.Sha512;
        bool isBlock = BitOperations.IsPow2(settings.BlockSize) && settings.BlockSize >= MinBlockSize && settings.BlockSize <= change.SectorSize;
        if (!isKnown || !isBlock || settings.Salt.Length > VeritySettings.MaxSaltBytes || settings.Signature.Length > VeritySettings.MaxSignatureBytes)
        {
            throw change.Refuse(
                FileError.Invalid,
                inode,
                $"no verity with algorithm {(byte)settings.Algorithm}, blocks of {settings.BlockSize} bytes, a salt of {settings.Salt.Length} and a signature of {settings.Signature.Length}");
        }
    }

    private void RemoveItems(Change change, ItemType type) =>
        change.Tree.DeleteRange(new Key(inode, type, 0), new Key(inode, type, ulong.MaxValue));

    private void Hash(Change change, in InodeItem item)
    {
        int length = (int)Math.Min(item.FileSize - _position, StepBytes);
        int whole = (length + settings.BlockSize - 1) / settings.BlockSize * settings.BlockSize;
        _buffer.AsSpan(length, whole - length).Clear();
        FileContent.Read(change, inode, item, _position, _buffer.AsSpan(0, length));
        Action<ulong, byte[]> store = (place, block) => Store(change, ItemType.VerityMerkleItem, place, block);
        for (int start = 0; start < whole; start += settings.BlockSize)
            _tree!.Add(_buffer.AsSpan(start, settings.BlockSize), store);
        _position += (ulong)length;
    }

    private void Finish(Change change, ref InodeItem item)
    {
        byte[] descriptor = new byte[DescriptorBytes + settings.Signature.Length];
        descriptor[0] = 1;
        descriptor[1] = (byte)settings.Algorithm;
        descriptor[2] = (byte)BitOperations.Log2((uint)settings.BlockSize);
        descriptor[3] = (byte)settings.Salt.Length;
        BinaryPrimitives.WriteInt32LittleEndian(descriptor.AsSpan(SignatureSizeOffset), settings.Signature.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(descriptor.AsSpan(DataSizeOffset), item.FileSize);
        _tree!.RootHash.CopyTo(descriptor, RootHashOffset);
        settings.Salt.Span.CopyTo(descriptor.AsSpan(SaltOffset));
        settings.Signature.Span.CopyTo(descriptor.AsSpan(DescriptorBytes));

        Span<byte> head = stackalloc byte[HeadBytes];
        head.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(head, descriptor.Length);
        change.Tree.Insert(new Key(inode, ItemType.VerityDescItem, 0), head);
        Store(change, ItemType.VerityDescItem, 1, descriptor);
        item.Flags = item.Flags | (ulong)InodeFlags.ReadOnlyVerity;
        change.Part.EnableFeature(CompatRoFlags.Verity);

        // A log has no place for the items; and without them nobody could read what the flag says is verified.
        change.Part.ForbidLog();
        item.CTime = change.Now;
        change.PutInode(inode, ref item);
    }

    private void Store(Change change, ItemType type, ulong place, ReadOnlySpan<byte> bytes)
    {
        for (int start = 0; start < bytes.Length; start += PieceBytes)
            change.Tree.Insert(new Key(inode, type, place + (ulong)start), bytes[start..Math.Min(start + PieceBytes, bytes.Length)]);
    }
}
