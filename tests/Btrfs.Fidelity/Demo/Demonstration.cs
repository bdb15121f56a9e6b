using System.Diagnostics;

namespace Btrfs.Fidelity.Demo;

/// <summary>What a newcomer sees in under a minute, without root or a kernel that has btrfs: the bug of 2019 and its end, streams that are the kernel's, and how fast a send is.</summary>
internal static class Demonstration
{
    /// <param name="golden">A golden state.</param>
    /// <param name="engine">The command line.</param>
    /// <returns>The exit code: 0 if all came out as it is told.</returns>
    public static int Run(string golden, string engine)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string work = Directory.CreateTempSubdirectory("btrfs-engine-demo-").FullName;
        try
        {
            Title("1. No byte is lost: what happened in 2019");
            bool isTrue = Story.Tell(golden, Directory.CreateDirectory(Path.Combine(work, "story")).FullName);
            Title("2. The streams are the kernel's");
            int different = GoldenStreams.Show(golden, engine, Directory.CreateDirectory(Path.Combine(work, "golden")).FullName);
            Title("3. How fast");
            Throughput.Show(Path.Combine(work, "speed.img"));
            Console.WriteLine();
            Console.WriteLine($"{(isTrue && different == 0 ? "All as told" : "SOMETHING WENT WRONG")}, in {watch.Elapsed.TotalSeconds:f0} s.");
            return isTrue && different == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static void Title(string text)
    {
        Console.WriteLine();
        Console.WriteLine(text);
        Console.WriteLine(new string('=', text.Length));
    }
}
