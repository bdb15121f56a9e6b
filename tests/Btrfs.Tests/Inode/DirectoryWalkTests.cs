using System.Buffers.Binary;
using System.Text;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Inode;
using Btrfs.Inode.Names;

namespace Btrfs.Tests.Inode;

public sealed class DirectoryWalkTests
{
    [TestCaseSource(typeof(SampleImage), nameof(SampleImage.Names))]
    public void A_walk_meets_every_name_of_every_inode_once(string image)
    {
        using FsInfo fs = SampleImage.Open(image);
        Subvolume subvolume = new PathLookup(fs).FindSubvolume("before");
        List<(ulong Parent, string Name)> expected = [];
        TreeCursor cursor = subvolume.OpenCursor();
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
        {
            if (!NameRefEnumerator.IsNameItem(cursor.Key.Type) || cursor.Key.ObjectId == ObjectIds.FirstFree)
                continue;
            foreach (NameRef name in new NameRefEnumerator(cursor.Key, cursor.Data))
                expected.Add((name.Parent, Encoding.UTF8.GetString(name.Name)));
        }

        List<(ulong Parent, string Name)> met = [];
        DirectoryWalk walk = new(fs, new Location(subvolume, ObjectIds.FirstFree));
        do
        {
            while (walk.TryRead(out DirEntry entry))
            {
                met.Add((walk.Directory.Inode, Encoding.UTF8.GetString(entry.Name)));
                if (walk.TargetStatus.IsDirectory)
                    walk.Enter();
            }
        }
        while (walk.TryLeave());

        Assert.That(walk.Depth, Is.Zero);
        Assert.That(met.Order(), Is.EqualTo(expected.Order()));
    }

    [Test]
    public void A_directory_can_be_read_again()
    {
        using FsInfo fs = SampleImage.Open();
        DirectoryWalk walk = new(fs, new PathLookup(fs).Find("before/many"));
        List<string> first = Names(walk);
        walk.Rewind();
        Assert.That(Names(walk), Is.EqualTo(first));
        Assert.That(first, Has.Count.GreaterThan(60));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_directory_that_damage_makes_its_own_descendant_is_an_error(bool pointsToItself)
    {
        BaseImage image = SampleImage.Base("single");
        ulong root;
        ulong directory;
        ulong above;
        ulong below;
        using (FsInfo whole = SampleImage.Open())
        {
            PathLookup paths = new(whole);
            Location at = paths.Find("before/tree/a");
            (root, directory, above) = (at.Subvolume.Id, at.Inode, paths.Find("before/tree").Inode);
            below = paths.Find("before/tree/a/b").Inode;
        }

        // The entry of b in a leads to a itself, or to what holds a.
        ItemPlace place = image.ItemsByType[ItemType.DirIndex].First(item => item.Block.Root == root && item.Key.ObjectId == directory && LocationOf(image, item) == below);
        ImageEdit edit = new(image, new Random(1));
        byte[] block = edit.Block(place.Block);
        (int start, _) = LeafItems.TryRead(block, image.Context.NodeSize).DataRange(place.Slot);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(start), pointsToItself ? directory : above);

        using FsInfo fs = SampleImage.Open(damage: edit.Finish());
        foreach (string from in (string[])["before/tree/a", "before/tree", "/"])
        {
            DirectoryWalk walk = new(fs, new PathLookup(fs).Find(from));
            Assert.That(() => WalkAll(walk), Throws.TypeOf<CorruptMetadataException>().With.Message.Contains("hangs elsewhere"), from);
        }
    }

    private static ulong LocationOf(BaseImage image, ItemPlace item)
    {
        byte[] block = image.ReadLogical(item.Block.Logical, image.Context.NodeSize);
        (int start, _) = LeafItems.TryRead(block, image.Context.NodeSize).DataRange(item.Slot);
        return BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(start));
    }

    private static void WalkAll(DirectoryWalk walk)
    {
        do
        {
            while (walk.TryRead(out _))
            {
                if (walk.TargetStatus.IsDirectory)
                    walk.Enter();
            }
        }
        while (walk.TryLeave());
    }

    private static List<string> Names(DirectoryWalk walk)
    {
        List<string> names = [];
        while (walk.TryRead(out DirEntry entry))
            names.Add(Encoding.UTF8.GetString(entry.Name));
        return names;
    }
}
