using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Btrfs.LoopTests.Checks;

/// <summary>A file system in a file of its own, made and filled by the running kernel. Mounted only while <see cref="Fill"/> runs.</summary>
internal sealed class KernelImage : IDisposable
{
    private const int QuotaCtl = unchecked((int)0xC0109428);
    private const ulong EnableSimpleQuota = 4;
    private const int OpenDirectory = 0x10000;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("btrfs-gate-");

    public string Path => System.IO.Path.Combine(_folder.FullName, "image");

    public void Make(string mkfsOptions)
    {
        using (FileStream file = File.Create(Path))
            file.SetLength(400L << 20);

        (int exitCode, string errors) = TryRun("mkfs.btrfs", $"-q {mkfsOptions} {Path}");
        if (errors.Contains("unrecognized", StringComparison.Ordinal))
            Assert.Ignore($"the installed mkfs.btrfs is too old: {errors.Trim()}");
        Assert.That(exitCode, Is.Zero, errors);
    }

    /// <summary>Gives the file system a new UUID, while its blocks keep the one that they were written with.</summary>
    public void ChangeUuid() => Run("btrfstune", $"-m {Path}");

    public void Fill(string mountOptions, string argument, bool simpleQuota)
    {
        string mountPoint = System.IO.Path.Combine(_folder.FullName, "mount");
        Directory.CreateDirectory(mountPoint);
        Run("mount", $"-o loop,{mountOptions} {Path} {mountPoint}");
        try
        {
            if (simpleQuota)
                StartSimpleQuota(mountPoint);
            string script = System.IO.Path.Combine(TestContext.CurrentContext.TestDirectory, "Checks", "content.sh");
            Run("bash", $"{script} {mountPoint} {argument}");
        }
        finally
        {
            Run("umount", mountPoint);
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>The installed btrfs-progs may be too old to ask for it.</summary>
    private static unsafe void StartSimpleQuota(string mountPoint)
    {
        int directory = Open(mountPoint, OpenDirectory);
        QuotaCommand command = new() { Command = EnableSimpleQuota };
        int result = Ioctl(directory, QuotaCtl, &command);
        int error = Marshal.GetLastPInvokeError();
        _ = Close(directory);
        if (result != 0)
            Assert.Ignore($"the kernel has no simple quotas: errno {error}");
    }

    private static void Run(string tool, string arguments)
    {
        (int exitCode, string errors) = TryRun(tool, arguments);
        if (exitCode != 0)
            throw new InvalidOperationException($"{tool} {arguments} ended with {exitCode}: {errors}");
    }

    private static (int ExitCode, string Errors) TryRun(string tool, string arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors);
    }

    private struct QuotaCommand
    {
        public ulong Command;
        public ulong Status;
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern unsafe int Ioctl(int file, nint request, QuotaCommand* command);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int file);
}
