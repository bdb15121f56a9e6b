using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Host;
using Btrfs.Storage;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary><c>inspect-internal dump-tree</c>: the blocks of trees as text.</summary>
internal static class DumpTreeCommand
{
    public static Command Create()
    {
        Command command = new("dump-tree", "Print the trees of a file system: the root tree, the chunk tree, then every tree that the root tree names.");
        Option<bool> extents = new("-e", "--extents") { Description = "Only the extent tree and the device tree, and of these only leaves" };
        Option<bool> deviceTrees = new("-d", "--device-trees") { Description = "Only the root, chunk and device tree" };
        Option<bool> roots = new("-r", "--roots") { Description = "Of each tree only where its root is" };
        Option<bool> backups = new("-R", "--backups") { Description = "The same, and the backup roots of the superblock" };
        Option<bool> uuid = new("-u", "--uuid") { Description = "Only the UUID tree" };
        Option<string[]> blocks = new("-b", "--block") { HelpName = "BLOCK", Description = "Only the block at this logical address; repeatable" };
        Option<bool> follow = new("--follow") { Description = "With -b, also every block below it" };
        Option<string?> tree = new("-t", "--tree") { HelpName = "TREE_ID", Description = "Only this tree, by its number or its name (root, extent, chunk, fs, csum, uuid, ...)" };
        Option<bool> noScan = new("--noscan") { Description = "Does nothing: only devices that are named are ever used" };
        Option<bool> breadthFirst = new("--bfs") { Description = "Print a tree level by level, the root first (default)" };
        Option<bool> depthFirst = new("--dfs") { Description = "Print each node before the blocks below it" };
        Option<bool> hideNames = new("--hide-names") { Description = "Print HIDDEN for the names and xattrs of files" };
        Option<bool> blockChecksums = new("--csum-headers") { Description = "Print the checksum in each block's header" };
        Option<bool> itemChecksums = new("--csum-items") { Description = "Print each checksum of data" };
        foreach (Option option in new Option[]
        {
            extents, deviceTrees, roots, backups, uuid, blocks, follow, tree, noScan, breadthFirst, depthFirst, hideNames, blockChecksums, itemChecksums,
        })
        {
            command.Options.Add(option);
        }

        ImageArguments image = new(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(breadthFirst) && parsed.GetValue(depthFirst))
                throw new UsageException("--bfs and --dfs exclude each other");

            TreeDumpOptions options = new()
            {
                ExtentsOnly = parsed.GetValue(extents),
                DevicesOnly = parsed.GetValue(deviceTrees),
                RootsOnly = parsed.GetValue(roots) || parsed.GetValue(backups),
                ShowBackupRoots = parsed.GetValue(backups),
                UuidTreeOnly = parsed.GetValue(uuid),
                Blocks = [.. (parsed.GetValue(blocks) ?? []).Select(ParseBlock).Distinct().Order()],
                Follow = parsed.GetValue(follow),
                Tree = parsed.GetValue(tree) is { } name ? ParseTree(name) : null,
                DepthFirst = parsed.GetValue(depthFirst),
                Print = new TreePrintOptions(parsed.GetValue(hideNames), parsed.GetValue(blockChecksums), parsed.GetValue(itemChecksums)),
            };
            using StandardOutput output = new();
            DeviceSet devices = DeviceSet.Open(image.Split(parsed).DevicePaths, DeviceOpenOptions.Default);
            return Run(devices, options, new DumpOutput(output, TimeZoneInfo.Local), ErrorOutput.WriteLine);
        });
        return command;
    }

    /// <summary>Prints a file system.</summary>
    /// <param name="devices">Its devices; closed at the end.</param>
    /// <param name="options">What to print.</param>
    /// <param name="output">Where the text goes.</param>
    /// <param name="tell">Is given what could not be shown and what else a person should know, a line each.</param>
    /// <returns>The exit code: a failure if anything could not be shown.</returns>
    /// <exception cref="IOException">The output can't be written.</exception>
    internal static int Run(DeviceSet devices, TreeDumpOptions options, DumpOutput output, Action<string> tell)
    {
        FaultReport faults = new(output, tell);
        using TreeSource source = TreeSource.Open(devices, faults.Tell);
        foreach (string notice in source.Notices)
            tell($"NOTICE: {notice}");

        new TreeDump(source, options, output, faults.Tell).Run();
        output.Flush();
        return faults.Code;
    }

    private static ulong ParseBlock(string text)
    {
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHex
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bytenr)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out bytenr);
        return isNumber ? bytenr : throw new UsageException($"'{text}' is not the address of a block");
    }

    private static ulong ParseTree(string text) => TreeName.Parse(text) ?? throw new UsageException($"'{text}' is not a tree");
}
