using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Btrfs.Format;

namespace Btrfs.LoopTests.Checks;

/// <summary>
/// Finds every tree block on a device by its looks, without trees and chunks: what earlier commits left behind is found too,
/// which is how log trees, relocation trees and half-deleted subvolumes get here.
/// </summary>
internal sealed class MetadataScan
{
    private const int Step = 4096;

    public int Leaves { get; private set; }

    public int Nodes { get; private set; }

    /// <summary>How many items of each type passed.</summary>
    public SortedDictionary<ItemType, int> Items { get; } = [];

    /// <summary>The owners of the blocks that passed.</summary>
    public HashSet<ulong> Owners { get; } = [];

    public List<string> Refused { get; } = [];

    public void Run(string path)
    {
        byte[] device = File.ReadAllBytes(path);
        ref readonly Superblock super = ref MemoryMarshal.AsRef<Superblock>(device.AsSpan((int)FormatLimits.SuperblockOffsets[0], Superblock.Size));
        SuperblockCheck.Verify(in super, FormatLimits.SuperblockOffsets[0]);
        int mirror = (int)FormatLimits.SuperblockOffsets[1];
        SuperblockCheck.Verify(in MemoryMarshal.AsRef<Superblock>(device.AsSpan(mirror, Superblock.Size)), (ulong)mirror);

        BlockContext context = BlockContext.FromSuperblock(in super);
        for (int offset = 0; offset + context.NodeSize <= device.Length; offset += Step)
        {
            ReadOnlySpan<byte> block = device.AsSpan(offset, context.NodeSize);
            if (IsTreeBlock(block, in super))
                Judge(block, in context);
        }
    }

    private void Judge(ReadOnlySpan<byte> block, in BlockContext context)
    {
        try
        {
            BlockCheck.Verify(block, in context);
        }
        catch (CorruptMetadataException refusal)
        {
            Refused.Add(refusal.Message);
            return;
        }

        LeafView leaf = new(block);
        Owners.Add(leaf.Header.Owner);
        if (leaf.Header.Level > 0)
        {
            Nodes++;
            return;
        }

        Leaves++;
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            ItemType type = leaf.Key(slot).Type;
            Items[type] = Items.GetValueOrDefault(type) + 1;
        }
    }

    private static bool IsTreeBlock(ReadOnlySpan<byte> block, in Superblock super)
    {
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(block);
        if (header.Fsid != super.MetadataUuid || header.Generation > super.Generation || (header.Flags & BlockHeader.FlagWritten) == 0)
            return false;

        ReadOnlySpan<byte> covered = block[FormatLimits.ChecksumFieldSize..];
        return super.CsumType switch
        {
            ChecksumType.Crc32C => MemoryMarshal.Read<Le32>(block) == Crc32C(covered),
            ChecksumType.Sha256 => block[..SHA256.HashSizeInBytes].SequenceEqual(SHA256.HashData(covered)),
            // No other checksum is at hand here; a block that looks so well has not been overwritten in part either.
            _ => true,
        };
    }

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
            crc = BitOperations.Crc32C(crc, word);
        return ~crc;
    }
}
