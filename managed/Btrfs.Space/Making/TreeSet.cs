using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>
/// All trees of a new file system, filled and placed. The extent tree tells of every block, its own included, and the root tree of every tree: so trees
/// are filled for a guess of how many blocks each has, until the guess is right. Only many devices or tiny nodes need more than one block in a tree.
/// </summary>
internal sealed class TreeSet
{
    private readonly MakePlan _plan;
    private readonly Dictionary<ulong, TreeDraft> _drafts;

    private TreeSet(MakePlan plan, IReadOnlyList<TreeShape> shapes)
    {
        _plan = plan;
        Shapes = shapes;
        _drafts = Fill().ToDictionary(draft => draft.Owner);
    }

    /// <summary>The chunk tree, and then all others in the order of their blocks.</summary>
    public IReadOnlyList<TreeShape> Shapes { get; }

    public ulong BytesUsed => BytesIn(_plan.SystemChunk) + BytesIn(_plan.MetadataChunk);

    private IEnumerable<TreeShape> Others => Shapes.Where(shape => shape.Owner != ObjectIds.ChunkTree);

    public static TreeSet Compose(MakePlan plan)
    {
        Dictionary<ulong, int[]> blocks = OwnersOf(plan.Settings).ToDictionary(owner => owner, _ => (int[])[1]);
        while (true)
        {
            TreeSet set = new(plan, Place(plan, blocks));
            Dictionary<ulong, int[]> needed = set._drafts.ToDictionary(pair => pair.Key, pair => pair.Value.CountBlocks());
            if (needed.All(pair => pair.Value.SequenceEqual(blocks[pair.Key])))
                return set;

            blocks = needed;
        }
    }

    public TreeShape Shape(ulong owner) => Shapes.Single(shape => shape.Owner == owner);

    /// <summary>The trees of files' and of the file system's state, as the root tree names them, by id.</summary>
    public IEnumerable<TreeShape> InRootTree() => Others.Where(shape => shape.Owner != ObjectIds.RootTree).OrderBy(shape => shape.Owner);

    /// <summary>Bytes of tree blocks in a chunk. They lie at its begin, without gaps.</summary>
    public ulong BytesIn(PlannedChunk chunk)
    {
        int count = chunk == _plan.SystemChunk ? Shape(ObjectIds.ChunkTree).Count
            : chunk == _plan.MetadataChunk ? Others.Sum(shape => shape.Count)
            : 0;
        return (ulong)count * (ulong)_plan.NodeSize;
    }

    /// <summary>The blocks at the begin of a chunk, without their checksums.</summary>
    public byte[] Write(PlannedChunk chunk)
    {
        BlockHeader header = new()
        {
            Fsid = _plan.Uuids.Fsid,
            Flags = BlockHeader.FlagWritten | 1UL << 56,
            ChunkTreeUuid = _plan.Uuids.ChunkTree,
            Generation = MakeSettings.Generation,
        };
        byte[] bytes = new byte[BytesIn(chunk)];
        foreach (TreeShape shape in Shapes.Where(shape => shape.First >= chunk.Start && shape.First < chunk.Start + chunk.Length))
        {
            int begin = (int)(shape.First - chunk.Start);
            _drafts[shape.Owner].WriteTo(shape, in header, bytes.AsSpan(begin, shape.Count * _plan.NodeSize));
        }

        return bytes;
    }

    private static List<TreeShape> Place(MakePlan plan, Dictionary<ulong, int[]> blocks)
    {
        List<TreeShape> shapes = [];
        LogicalAddress next = plan.MetadataChunk.Start;
        foreach (ulong owner in OwnersOf(plan.Settings))
        {
            if (owner == ObjectIds.ChunkTree)
            {
                shapes.Add(new TreeShape(owner, plan.SystemChunk.Start, blocks[owner]));
                continue;
            }

            TreeShape shape = new(owner, next, blocks[owner]);
            shapes.Add(shape);
            next += (ulong)(shape.Count * plan.NodeSize);
        }

        return shapes;
    }

    private static IEnumerable<ulong> OwnersOf(MakeSettings settings)
    {
        yield return ObjectIds.ChunkTree;
        yield return ObjectIds.RootTree;
        yield return ObjectIds.ExtentTree;
        yield return ObjectIds.DevTree;
        yield return ObjectIds.FsTree;
        yield return ObjectIds.CsumTree;
        if (settings.Has(MakeFeatures.Quota | MakeFeatures.SimpleQuota))
            yield return ObjectIds.QuotaTree;
        yield return ObjectIds.UuidTree;
        if (settings.Has(MakeFeatures.FreeSpaceTree))
            yield return ObjectIds.FreeSpaceTree;
        if (settings.Has(MakeFeatures.BlockGroupTree))
            yield return ObjectIds.BlockGroupTree;
        yield return ObjectIds.DataRelocTree;
    }

    private IEnumerable<TreeDraft> Fill()
    {
        DeviceTrees devices = new(_plan);
        FileTrees files = new(_plan);
        SpaceTrees space = new(_plan, this);
        foreach (ulong owner in OwnersOf(_plan.Settings))
        {
            TreeDraft draft = new(owner, _plan.NodeSize);
            switch (owner)
            {
                case ObjectIds.ChunkTree:
                    devices.FillChunkTree(draft);
                    break;
                case ObjectIds.DevTree:
                    devices.FillDevTree(draft);
                    break;
                case ObjectIds.RootTree:
                    new RootTree(_plan, this).Fill(draft);
                    break;
                case ObjectIds.ExtentTree:
                    space.FillExtentTree(draft);
                    break;
                case ObjectIds.FreeSpaceTree:
                    space.FillFreeSpaceTree(draft);
                    break;
                case ObjectIds.BlockGroupTree:
                    space.FillBlockGroups(draft);
                    break;
                case ObjectIds.FsTree:
                    files.FillFsTree(draft);
                    break;
                case ObjectIds.DataRelocTree:
                    files.FillDataRelocTree(draft);
                    break;
                case ObjectIds.UuidTree:
                    files.FillUuidTree(draft);
                    break;
                case ObjectIds.QuotaTree:
                    files.FillQuotaTree(draft, (ulong)(Shape(ObjectIds.FsTree).Count * _plan.NodeSize));
                    break;
            }

            yield return draft;
        }
    }
}
