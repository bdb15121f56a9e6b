using System.CommandLine;
using Btrfs.Check;
using Btrfs.Cli.Host;
using Btrfs.Engine;

namespace Btrfs.Cli.Commands.Check;

/// <summary><c>check</c>: reads everything and tells what contradicts what.</summary>
internal static class CheckCommand
{
    /// <summary>Each block is read once, so there is little to keep.</summary>
    private const long BlockCacheBytes = 4 << 20;

    public static Command Create()
    {
        Command command = new("check", "Check that a file system is sound, without changing it.");
        Option<bool> data = new("--check-data-csum") { Description = "Read all data too, on every mirror, and verify its checksums" };
        Option<bool> quiet = new("--quiet", "-q") { Description = "Tell what is wrong, and nothing else" };
        Argument<string[]> images = new("IMAGE") { Description = "The devices of one file system, in any order", Arity = ArgumentArity.OneOrMore };
        command.Options.Add(data);
        command.Options.Add(quiet);
        command.Arguments.Add(images);
        command.SetAction(parsed =>
        {
            string[] paths = parsed.GetValue(images)!;
            ImageArguments.RefuseUnknownOptions(parsed, paths);
            return Run(paths, new CheckOptions { CheckDataChecksums = parsed.GetValue(data) }, parsed.GetValue(quiet));
        });
        return command;
    }

    private static int Run(string[] paths, CheckOptions options, bool isQuiet)
    {
        using Session session = new();
        using BtrfsFileSystem fs = ImageArguments.Open(paths, isQuiet, new BtrfsOpenOptions { BlockCacheBytes = BlockCacheBytes, ReplayLog = false });
        StageReport? stages = isQuiet ? null : new StageReport();
        CheckReport report = new FileSystemChecker(fs.Info, options).Run(stages, session.Stopped);
        ErrorOutput.ClearProgress();
        TextOutput.Use(output =>
        {
            if (!isQuiet)
                output.Line($"UUID: {fs.Info.Superblock.Fsid}");
            foreach (Finding finding in report.Findings)
                output.Append(finding.ToString()).Line();
            if (report.FindingCount > report.Findings.Count)
                output.Line($"and {report.FindingCount - report.Findings.Count} more");
            if (!isQuiet)
                PrintSummary(report, output);
        });
        return report.IsClean ? ExitCode.Success : ExitCode.Failure;
    }

    private static void PrintSummary(CheckReport report, TextOutput output)
    {
        foreach (string notice in report.Notices)
            output.Line($"note: {notice}");

        CheckTotals totals = report.Totals;
        string verdict = report.IsClean ? "no error found" : $"{report.FindingCount} error(s) found";
        output.Line($"found {totals.AllocatedBytes} bytes used, {verdict}");
        output.Line($"total csum bytes: {totals.ChecksumBytes}");
        output.Line($"total tree bytes: {totals.TreeBytes}");
        output.Line($"total fs tree bytes: {totals.FileTreeBytes}");
        output.Line($"total extent tree bytes: {totals.ExtentTreeBytes}");
        output.Line($"btree space waste bytes: {totals.TreeWasteBytes}");
        output.Line($"file data blocks allocated: {totals.FileDataAllocated}");
        output.Line($" referenced {totals.FileDataReferenced}");
        output.Line($"inodes: {totals.Inodes}, tree blocks: {totals.TreeBlocks}, extents: {totals.Extents}, orphans: {totals.Orphans}");
    }

    /// <summary>Shows the stage on a terminal.</summary>
    private sealed class StageReport : IProgress<string>
    {
        public void Report(string value)
        {
            if (ErrorOutput.IsTerminal)
                ErrorOutput.ShowProgress($"checking {value}");
        }
    }
}
