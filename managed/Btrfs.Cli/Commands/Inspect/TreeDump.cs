using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>What a dump shows. Everything, unless something here says otherwise.</summary>
internal sealed record TreeDumpOptions
{
    /// <summary>Of the trees, the extent and device tree, and of these only leaves.</summary>
    public bool ExtentsOnly { get; init; }

    /// <summary>The root, chunk and device tree.</summary>
    public bool DevicesOnly { get; init; }

    public bool UuidTreeOnly { get; init; }

    /// <summary>Of each tree only where its root is.</summary>
    public bool RootsOnly { get; init; }

    public bool ShowBackupRoots { get; init; }

    /// <summary>Only the tree of this id.</summary>
    public ulong? Tree { get; init; }

    /// <summary>Only these blocks, by logical address.</summary>
    public IReadOnlyList<ulong> Blocks { get; init; } = [];

    /// <summary>With each of <see cref="Blocks"/> all that is below it.</summary>
    public bool Follow { get; init; }

    public bool DepthFirst { get; init; }

    public TreePrintOptions Print { get; init; } = new();

    public bool IsPartial => ExtentsOnly || DevicesOnly || UuidTreeOnly;
}

/// <summary>Prints the trees of a file system in the order and the words of btrfs-progs 6.2.</summary>
internal sealed class TreeDump
{
    private readonly TreeSource _source;
    private readonly TreeDumpOptions _options;
    private readonly DumpOutput _output;
    private readonly Action<string> _report;
    private readonly TreePrinter _printer;
    private readonly TreeWalk _walk;
    private readonly WalkOrder _order;

    public TreeDump(TreeSource source, TreeDumpOptions options, DumpOutput output, Action<string> report)
    {
        _source = source;
        _options = options;
        _output = output;
        _report = report;
        _printer = new TreePrinter(output, source.Superblock, options.Print);
        _walk = new TreeWalk(source.Blocks, report);
        _order = options.DepthFirst ? WalkOrder.DepthFirst : WalkOrder.BreadthFirst;
    }

    private ref readonly Superblock Superblock => ref _source.Superblock;

    private BlockPointer RootTree => new(new LogicalAddress(Superblock.Root), Superblock.Generation, Superblock.RootLevel, null);

    private BlockPointer ChunkTree => new(new LogicalAddress(Superblock.ChunkRoot), Superblock.ChunkRootGeneration, Superblock.ChunkRootLevel, null);

    // A log is written ahead of the commit that makes it needless.
    private BlockPointer LogRootTree => new(new LogicalAddress(Superblock.LogRoot), Superblock.Generation + 1, Superblock.LogRootLevel, null);

    private bool HasLog => Superblock.LogRoot != 0;

    public void Run()
    {
        // The line says whose format this is, and programs that read dumps look for it.
        _output.Line($"btrfs-progs v6.2");
        if (_options.Blocks.Count > 0)
            PrintBlocks();
        else if (_options.Tree is { } tree && IsOutsideTheList(tree))
            PrintTop(tree);
        else
            PrintTrees();
    }

    private void PrintBlocks()
    {
        foreach (ulong bytenr in _options.Blocks)
        {
            ExtentBuffer block;
            try
            {
                block = _source.ReadAny(new LogicalAddress(bytenr));
            }
            catch (CorruptMetadataException error)
            {
                _report(error.Message);
                continue;
            }

            if (_options.Follow)
                _walk.Visit(block, block.Owner, _order, _printer.Print);
            else
                _printer.Print(block);
        }
    }

    private void PrintTrees()
    {
        if (_options.Tree is null && !_options.ExtentsOnly && !_options.UuidTreeOnly)
        {
            PrintTop(ObjectIds.RootTree);
            PrintTop(ObjectIds.ChunkTree);
            if (HasLog)
                PrintTop(ObjectIds.TreeLog);
        }

        PrintListed(RootTree, ObjectIds.RootTree);
        if (HasLog)
            PrintListed(LogRootTree, ObjectIds.TreeLog);
        if (_options.IsPartial)
            return;

        if (_options.ShowBackupRoots)
            PrintBackupRoots();
        _output.Line($"total bytes {Superblock.TotalBytes}");
        _output.Line($"bytes used {Superblock.BytesUsed}");
        _output.Line($"uuid {Superblock.Fsid}");
    }

    /// <summary>Trees that are asked for alone are found without the list of roots, the block group tree by custom.</summary>
    private static bool IsOutsideTheList(ulong tree) =>
        tree is ObjectIds.RootTree or ObjectIds.ChunkTree or ObjectIds.TreeLog or ObjectIds.BlockGroupTree;

    private void PrintTop(ulong tree)
    {
        string heading = tree == ObjectIds.TreeLog ? "log root" : TreeName.HeadingOf(tree);
        if (FindTop(tree) is not { } pointer)
            _report($"the file system has no {heading} tree");
        else if (TryReadRoot(pointer, tree) is { } root)
            PrintTop(heading, root, tree);
    }

    private void PrintTop(string heading, ExtentBuffer root, ulong tree)
    {
        if (_options.RootsOnly && _options.Tree is null)
        {
            _output.Line($"{heading} tree: {root.Bytenr.Value} level {root.Level}");
            return;
        }

        _output.Line($"{heading} tree");
        _walk.Visit(root, tree, _order, _printer.Print);
    }

    private BlockPointer? FindTop(ulong tree)
    {
        switch (tree)
        {
            case ObjectIds.RootTree:
                return RootTree;
            case ObjectIds.ChunkTree:
                return ChunkTree;
            case ObjectIds.TreeLog:
                return HasLog ? LogRootTree : null;
        }

        BlockPointer? found = null;
        VisitRootItems(RootTree, ObjectIds.RootTree, (key, pointer) => found = key.ObjectId == tree ? pointer : found);
        return found;
    }

    /// <summary>Prints every tree whose root item a tree of roots holds, in the order of the items.</summary>
    private void PrintListed(BlockPointer list, ulong tree) =>
        VisitRootItems(list, tree, (key, pointer) =>
        {
            // The trees of a log stand all under one object id.
            ulong listed = tree == ObjectIds.TreeLog ? ObjectIds.TreeLog : key.ObjectId;
            if (IsWanted(key.ObjectId) && TryReadRoot(pointer, listed) is { } root)
                PrintListed(key, root, listed);
        });

    private void PrintListed(Key key, ExtentBuffer root, ulong tree)
    {
        _output.Write($"{TreeName.HeadingOf(key.ObjectId)} tree key {key}");
        if (_options.ExtentsOnly)
        {
            _output.Line();
            _walk.Visit(root, tree, WalkOrder.Leaves, _printer.Print);
        }
        else if (_options.RootsOnly)
        {
            _output.Line($" {root.Bytenr.Value} level {root.Level}");
        }
        else
        {
            _output.Line($" ");
            _walk.Visit(root, tree, _order, _printer.Print);
        }
    }

    private bool IsWanted(ulong tree) =>
        (_options.Tree is null || _options.Tree == tree)
        && (!_options.ExtentsOnly || tree is ObjectIds.ExtentTree or ObjectIds.DevTree)
        && (!_options.DevicesOnly || tree == ObjectIds.DevTree)
        && (!_options.UuidTreeOnly || tree == ObjectIds.UuidTree);

    private void VisitRootItems(BlockPointer list, ulong tree, Action<Key, BlockPointer> visit)
    {
        if (TryReadRoot(list, tree) is not { } listRoot)
            return;

        _walk.Visit(listRoot, tree, WalkOrder.Leaves, block =>
        {
            LeafView leaf = block.Leaf;
            for (int slot = 0; slot < leaf.Count; slot++)
            {
                Key key = leaf.Key(slot);
                if (key.Type != ItemType.RootItem)
                    continue;

                RootItem item = ItemRecord.Read<RootItem>(leaf.Data(slot));
                visit(key, new BlockPointer(new LogicalAddress(item.Bytenr), item.Generation, item.Level, null));
            }
        });
    }

    private ExtentBuffer? TryReadRoot(BlockPointer pointer, ulong tree)
    {
        try
        {
            return _source.Blocks.Read(pointer, tree);
        }
        catch (CorruptMetadataException error)
        {
            _report(error.Message);
            return null;
        }
    }

    private void PrintBackupRoots()
    {
        for (int slot = 0; slot < Superblock.RootBackups.Length; slot++)
        {
            ref readonly RootBackup backup = ref Superblock.RootBackups[slot];
            _output.Line($"btrfs root backup slot {slot}");
            _output.Line($"\ttree root gen {backup.TreeRootGeneration} block {backup.TreeRoot}");
            _output.Line($"\t\textent root gen {backup.ExtentRootGeneration} block {backup.ExtentRoot}");
            _output.Line($"\t\tchunk root gen {backup.ChunkRootGeneration} block {backup.ChunkRoot}");
            _output.Line($"\t\tdevice root gen {backup.DevRootGeneration} block {backup.DevRoot}");
            _output.Line($"\t\tcsum root gen {backup.CsumRootGeneration} block {backup.CsumRoot}");
            _output.Line($"\t\tfs root gen {backup.FsRootGeneration} block {backup.FsRoot}");
            _output.Line($"\t\t{backup.BytesUsed} used {backup.TotalBytes} total {backup.DeviceCount} devices");
        }
    }
}
