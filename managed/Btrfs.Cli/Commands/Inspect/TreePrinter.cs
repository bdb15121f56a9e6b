using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>What is shown of blocks and items.</summary>
/// <param name="HideNames">Put HIDDEN in the place of names and xattrs of files.</param>
/// <param name="ShowBlockChecksums">Show the checksum in each block's header.</param>
/// <param name="ShowItemChecksums">Show each checksum of data.</param>
internal sealed record TreePrintOptions(bool HideNames = false, bool ShowBlockChecksums = false, bool ShowItemChecksums = false);

/// <summary>Prints tree blocks: the header, and the items of a leaf or the pointers of a node.</summary>
internal sealed class TreePrinter(DumpOutput output, in Superblock superblock, TreePrintOptions options)
{
    private const int RevisionShift = 56;
    private const ulong FlagsMask = (1UL << RevisionShift) - 1;

    private static readonly (ulong, string)[] s_flags = [(BlockHeader.FlagWritten, "WRITTEN"), (BlockHeader.FlagReloc, "RELOC")];

    private readonly ItemPrinter _items = new(output, superblock, options);
    private readonly int _checksumSize = ChecksumTypes.Size(superblock.CsumType);

    public void Print(ExtentBuffer block)
    {
        if (block.Level == 0)
            PrintLeaf(block);
        else
            PrintNode(block);
    }

    private void PrintLeaf(ExtentBuffer block)
    {
        LeafView leaf = block.Leaf;
        int dataStart = leaf.Count == 0 ? block.Bytes.Length - BlockHeader.Size : (int)leaf.Item(leaf.Count - 1).DataOffset.Value;
        int free = dataStart - leaf.Count * ItemHeader.Size;
        output.Line($"leaf {block.Bytenr.Value} items {leaf.Count} free space {free} generation {block.Generation} owner {new ObjectName(block.Owner)}");
        PrintHeader("leaf", block, leaf.Header);
        for (int slot = 0; slot < leaf.Count; slot++)
        {
            ref readonly ItemHeader item = ref leaf.Item(slot);
            output.Line($"\titem {slot} key {item.Key} itemoff {item.DataOffset} itemsize {item.DataSize}");
            _items.Print(item.Key, leaf.Data(slot));
        }
    }

    private void PrintNode(ExtentBuffer block)
    {
        NodeView node = block.Node;
        int free = (block.Bytes.Length - BlockHeader.Size) / KeyPointer.Size - node.Count;
        output.Line($"node {block.Bytenr.Value} level {block.Level} items {node.Count} free space {free} generation {block.Generation} owner {new ObjectName(block.Owner)}");
        PrintHeader("node", block, node.Header);
        for (int slot = 0; slot < node.Count; slot++)
        {
            ref readonly KeyPointer pointer = ref node.Pointer(slot);
            output.Line($"\tkey {pointer.Key} block {pointer.Bytenr} gen {pointer.Generation}");
        }
    }

    private void PrintHeader(string kind, ExtentBuffer block, in BlockHeader header)
    {
        ulong flags = header.Flags & FlagsMask;
        output.Write($"{kind} {block.Bytenr.Value} flags 0x{flags:x}({new BitNames(flags, s_flags)}) backref revision {header.BackrefRevision}");
        if (options.ShowBlockChecksums)
        {
            output.Write($" csum 0x");
            output.AppendHex(block.Bytes[.._checksumSize]);
        }

        output.Line();
        output.Line($"fs uuid {header.Fsid}");
        output.Line($"chunk uuid {header.ChunkTreeUuid}");
    }
}
