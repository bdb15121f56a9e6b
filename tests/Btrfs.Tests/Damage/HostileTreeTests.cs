using System.Runtime.Versioning;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Fuzz.Mutations;
using Btrfs.Fuzz.Running;

namespace Btrfs.Tests.Damage;

/// <summary>Trees that no accident makes: every block passes the gate, and only together they are meant to keep a reader busy for ever.</summary>
[SupportedOSPlatform("linux")]
public sealed class HostileTreeTests
{
    private const int Width = 40;
    private const int Levels = FormatLimits.MaxTreeLevel;

    /// <summary>
    /// Each block of a level points to all blocks of the level below that begin at its own key or behind. There are 320 blocks, and more
    /// than 10 million ways from the root to a leaf.
    /// </summary>
    [Test]
    public void A_tree_that_hangs_the_same_blocks_under_many_nodes_is_refused_at_once()
    {
        List<string> ends = [];
        Finding? finding = new Judge(DamagedImageTests.Images, ends.Add).Run(ManyWays());
        Assert.That(finding, Is.Null);
        Assert.That(ends, Has.Some.Matches<string>(end => end!.StartsWith("send", StringComparison.Ordinal) && end.Contains("bad key order between blocks", StringComparison.Ordinal)));
    }

    /// <summary>The image with such a tree as every tree of files.</summary>
    internal static DamagedImage ManyWays()
    {
        BaseImage image = DamagedImageTests.Images.Single(image => image.Name == "single");
        ImageEdit edit = new(image, new Random(0));
        ulong start = FreeBlocks(image);
        ulong generation = image.Context.Generation;
        for (int level = 0; level < Levels; level++)
        {
            for (int place = 0; place < Width; place++)
                Fill(edit.Block(At(level, place)), image, edit.Block(image.Leaves[0]), level, place);
        }

        foreach (ItemPlace root in image.ItemsByType[ItemType.RootItem].Where(root => ObjectIds.IsFileTree(root.Key.ObjectId)))
        {
            Span<byte> data = BlockMutations.Data(edit, edit.Block(root.Block), root.Slot);
            Members.Write(data, Members.Of<RootItem>(nameof(RootItem.Bytenr)), At(Levels - 1, 0));
            Members.Write(data, Members.Of<RootItem>(nameof(RootItem.Level)), Levels - 1);
            Members.Write(data, Members.Of<RootItem>(nameof(RootItem.Generation)), generation);
        }

        return new DamagedImage(image.Name, "a tree of many ways", edit.Finish());

        ulong At(int level, int place) => start + (ulong)((level * Width + place) * image.Context.NodeSize);

        void Fill(byte[] block, BaseImage image, byte[] model, int level, int place)
        {
            model.AsSpan(0, BlockHeader.Size).CopyTo(block);
            Set(block, nameof(BlockHeader.Bytenr), At(level, place));
            Set(block, nameof(BlockHeader.Generation), generation);
            Set(block, nameof(BlockHeader.Owner), ObjectIds.FirstFree);
            Set(block, nameof(BlockHeader.Level), (ulong)level);
            if (level == 0)
            {
                LeafItems leaf = new();
                leaf.Items.Add((KeyOf(place), Format.Building.SampleItems.AnInode().Data));
                Assert.That(leaf.TryWrite(block));
                return;
            }

            Set(block, nameof(BlockHeader.ItemCount), (ulong)(Width - place));
            for (int child = place; child < Width; child++)
            {
                byte[] pointer = Format.Building.Records.Bytes(KeyOf(child), At(level - 1, child), generation);
                pointer.CopyTo(block, BlockHeader.Size + (child - place) * KeyPointer.Size);
            }
        }
    }

    private static Key KeyOf(int place) => new(ObjectIds.FirstFree + (ulong)place, ItemType.InodeItem, 0);

    private static void Set(byte[] block, string member, ulong value) => Members.Write(block, Members.Of<BlockHeader>(member), value);

    /// <summary>Behind the last block in use of the chunk that has most room there.</summary>
    private static ulong FreeBlocks(BaseImage image)
    {
        ulong needed = (ulong)(Width * Levels * image.Context.NodeSize);
        foreach (ulong end in image.Blocks.Select(block => block.Logical + (ulong)image.Context.NodeSize).OrderDescending())
        {
            if (image.PhysicalOffsets(end).Any() && image.PhysicalOffsets(end + needed).Any())
                return end;
        }

        throw new InvalidOperationException("the image has no room for a tree");
    }
}
