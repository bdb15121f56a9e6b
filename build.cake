// The build, target by target. Run it through ./build.sh, which brings what Debian has to bring.

using System.Xml.Linq;

string target = Argument("target", "Default");
string configuration = Argument("configuration", "Release");

DirectoryPath artifacts = MakeAbsolute(Directory("artifacts"));
DirectoryPath nativeBuild = artifacts.Combine("native-build");
DirectoryPath testResults = artifacts.Combine("test-results");
FilePath solution = File("BtrfsEngine.sln");

void Run(string program, ProcessArgumentBuilder arguments)
{
    int exitCode = StartProcess(program, new ProcessSettings { Arguments = arguments });
    if (exitCode != 0)
    {
        throw new CakeException($"{program} {arguments.RenderSafe()} ended with {exitCode}");
    }
}

Task("Default")
    .Description("Builds everything: the native library, the solution and the command line at artifacts/btrfs-engine.")
    .IsDependentOn("Publish");

Task("Native")
    .Description("Builds artifacts/native/libbtrfs_native.so and runs its smoke test.")
    .Does(() =>
{
    Run("cmake", new ProcessArgumentBuilder().Append("-S native -B").AppendQuoted(nativeBuild.FullPath).Append("-DCMAKE_BUILD_TYPE=Release --log-level=WARNING"));
    Run("cmake", new ProcessArgumentBuilder().Append("--build").AppendQuoted(nativeBuild.FullPath).Append("--parallel"));
    Run("ctest", new ProcessArgumentBuilder().Append("--test-dir").AppendQuoted(nativeBuild.FullPath).Append("--output-on-failure --quiet"));
});

Task("Build")
    .IsDependentOn("Native")
    .Does(() => DotNetBuild(solution.FullPath, new DotNetBuildSettings
    {
        Configuration = configuration,
        NoLogo = true,
        Verbosity = DotNetVerbosity.Minimal,
    }));

// The project asks for machine code: a command spends most of its short life in start-up.
Task("Publish")
    .IsDependentOn("Build")
    .Does(() =>
{
    CleanDirectory(artifacts.Combine("cli"));
    DotNetPublish("managed/Btrfs.Cli/Btrfs.Cli.csproj", new DotNetPublishSettings
    {
        Configuration = configuration,
        NoBuild = true,
        OutputDirectory = artifacts.Combine("cli"),
        NoLogo = true,
        Verbosity = DotNetVerbosity.Minimal,
    });

    string link = artifacts.CombineWithFilePath("btrfs-engine").FullPath;
    System.IO.File.Delete(link);
    System.IO.File.CreateSymbolicLink(link, "cli/btrfs-engine");
});

Task("Pack")
    .Description("Makes the NuGet package with all modules and the native library, in artifacts/package.")
    .IsDependentOn("Build")
    .Does(() =>
{
    // Nothing of an earlier version may be left for the consumer in the tests to find.
    EnsureDirectoryDoesNotExist(artifacts.Combine("package"), new DeleteDirectorySettings { Recursive = true, Force = true });
    DotNetPack("managed/Btrfs.Engine/Btrfs.Engine.csproj", new DotNetPackSettings
    {
        Configuration = configuration,
        NoBuild = true,
        NoLogo = true,
        Verbosity = DotNetVerbosity.Minimal,
    });
});

Task("Bindings")
    .Description("Writes interop/Btrfs.Interop/Generated anew with ClangSharpPInvokeGenerator, where that is installed.")
    .Does(() =>
{
    FilePath generator = Context.Tools.Resolve("ClangSharpPInvokeGenerator");
    if (generator is null)
    {
        Warning("ClangSharpPInvokeGenerator is not installed: edit the bindings by hand in its form; the ABI tests hold them against the header.");
        return;
    }

    Run(generator.FullPath, new ProcessArgumentBuilder().Append("@interop/generate.rsp"));
});

Task("Format")
    .Description("Fails where dotnet format would change a file.")
    .IsDependentOn("Build")
    .Does(() => Run("dotnet", new ProcessArgumentBuilder().Append("format").AppendQuoted(solution.FullPath).Append("--verify-no-changes --no-restore")));

Task("Test")
    .Description("Runs all tests and writes their totals to artifacts/test-results/summary.txt. Tests that start the command line start the published one.")
    .IsDependentOn("Publish")
    .IsDependentOn("Pack")
    .IsDependentOn("Format")
    .Does(() =>
{
    EnsureDirectoryDoesNotExist(testResults);
    List<string> failures = new();
    foreach (string project in new[] { "Btrfs.Tests", "Btrfs.LoopTests" })
    {
        try
        {
            DotNetTest($"tests/{project}/{project}.csproj", new DotNetTestSettings
            {
                Configuration = configuration,
                NoBuild = true,
                NoLogo = true,
                ResultsDirectory = testResults,
                Loggers = new[] { "console;verbosity=minimal", $"trx;LogFileName={project}.trx" },
                EnvironmentVariables = new Dictionary<string, string> { ["BTRFS_ENGINE_PROGRAM"] = artifacts.CombineWithFilePath("btrfs-engine").FullPath },
            });
        }
        catch (CakeException exception)
        {
            // The other project runs all the same, so that one run shows everything that fails.
            failures.Add($"{project}: {exception.Message}");
        }
    }

    int passed = 0, failed = 0, total = 0;
    foreach (FilePath results in GetFiles($"{testResults}/*.trx"))
    {
        XElement counters = XDocument.Load(results.FullPath).Descendants().Single(static element => element.Name.LocalName == "Counters");
        passed += (int)counters.Attribute("passed");
        failed += (int)counters.Attribute("failed");
        total += (int)counters.Attribute("total");
    }

    string summary = $"{passed} passed, {failed} failed, {total - passed - failed} skipped";
    EnsureDirectoryExists(testResults);
    System.IO.File.WriteAllText(testResults.CombineWithFilePath("summary.txt").FullPath, summary + "\n");
    Information(summary);
    if (passed + failed == 0)
    {
        failures.Add("no test ran");
    }

    if (failures.Count > 0)
    {
        throw new CakeException(string.Join("; ", failures));
    }
});

Task("Fuzz")
    .Description("Damages --cases=N images (20,000 if not told) from --seed=N on, and saves those that show a fault in artifacts/fuzz.")
    .IsDependentOn("Build")
    .Does(() =>
{
    DirectoryPath folder = artifacts.Combine("fuzz");
    EnsureDirectoryExists(folder);
    ProcessArgumentBuilder arguments = new ProcessArgumentBuilder()
        .AppendQuoted(artifacts.CombineWithFilePath($"bin/Btrfs.Fuzz/{configuration.ToLowerInvariant()}/Btrfs.Fuzz.dll").FullPath)
        .Append(Argument("cases", "20000"));
    if (HasArgument("seed"))
    {
        arguments.Append(Argument<string>("seed"));
    }

    int exitCode = StartProcess("dotnet", new ProcessSettings { Arguments = arguments, WorkingDirectory = folder });
    if (exitCode != 0)
    {
        throw new CakeException($"damaged images showed faults: see {folder}");
    }
});

Task("Crash")
    .Description("Cuts the power at every flush of --cases=N workloads (100 if not told) from --seed=N on. --linux=N lets Linux judge one of N states too, as root.")
    .IsDependentOn("Build")
    .Does(() =>
{
    ProcessArgumentBuilder arguments = new ProcessArgumentBuilder()
        .AppendQuoted(artifacts.CombineWithFilePath($"bin/Btrfs.Crash/{configuration.ToLowerInvariant()}/Btrfs.Crash.dll").FullPath)
        .Append(Argument("cases", "100"));
    if (HasArgument("seed"))
    {
        arguments.Append(Argument<string>("seed"));
    }

    if (HasArgument("linux"))
    {
        arguments.Append($"--kernel {Argument<string>("linux")}");
    }

    Run("dotnet", arguments);
});

// A test of the usual run, for longer.
void TestAtLength(string project, string test, Dictionary<string, string> environment) =>
    DotNetTest($"tests/{project}/{project}.csproj", new DotNetTestSettings
    {
        Configuration = configuration,
        NoBuild = true,
        NoLogo = true,
        Filter = $"FullyQualifiedName~{test}",
        Loggers = new[] { "console;verbosity=detailed" },
        EnvironmentVariables = environment,
    });

Task("Stress")
    .Description("Writers, snapshots and sends side by side for --seconds=N (180 if not told) under --seed=N, as root: the kernel receives every stream and has what its snapshot has.")
    .IsDependentOn("Build")
    .Does(() => TestAtLength("Btrfs.LoopTests", "SendStress", new Dictionary<string, string>
    {
        ["BTRFS_STRESS_SECONDS"] = Argument("seconds", "180"),
        ["BTRFS_SEED"] = Argument("seed", "1"),
    }));

Task("Kills")
    .Description("Kills --kills=N receives (100 if not told) of each kind of stream at random moments, and goes on with them.")
    .IsDependentOn("Publish")
    .Does(() => TestAtLength("Btrfs.Tests", "KillTests", new Dictionary<string, string>
    {
        ["BTRFS_KILLS"] = Argument("kills", "100"),
        ["BTRFS_ENGINE_PROGRAM"] = artifacts.CombineWithFilePath("btrfs-engine").FullPath,
    }));

// A program of the solution that was built; --run="..." on the command line says what it shall do.
void RunProgram(string project, string defaultArguments) =>
    Run("dotnet", new ProcessArgumentBuilder()
        .AppendQuoted($"artifacts/bin/{project}/{configuration.ToLowerInvariant()}/{project}.dll")
        .Append(Argument("run", defaultArguments)));

Task("Demo")
    .Description("Sends, whole and as a difference, from a file system that Linux made, and shows that the streams are the kernel's. Needs neither root nor btrfs.")
    .IsDependentOn("Publish")
    .Does(() => RunProgram("Btrfs.Fidelity", "demo tests/Corpora/golden/seed-11 artifacts/btrfs-engine"));

Task("Bench")
    .Description("Times send and changing against the kernel's in the same run, as root. --run=\"macro big small\", --run=writing or --run=micro for a choice.")
    .IsDependentOn("Build")
    .IsDependentOn("Publish")
    .Does(() =>
{
    if (HasArgument("run"))
    {
        RunProgram("Btrfs.Benchmarks", string.Empty);
        return;
    }

    RunProgram("Btrfs.Benchmarks", "macro");
    RunProgram("Btrfs.Benchmarks", "writing");
    RunProgram("Btrfs.Benchmarks", "receive");
});

Task("Fidelity")
    .Description("Holds streams of random file systems against the kernel's, as root. --run=\"run --seeds 1:1000\" for more of them.")
    .IsDependentOn("Build")
    .Does(() => RunProgram("Btrfs.Fidelity", "run"));

Task("Sequences")
    .Description("Runs random operations through the engine and the kernel, as root, and holds the results against each other. --run=\"run --seeds 1:500 --jobs 2\" for more.")
    .IsDependentOn("Build")
    .Does(() => RunProgram("Btrfs.Sequences", "run"));

Task("Clean")
    .Description("Removes artifacts/.")
    .Does(() => EnsureDirectoryDoesNotExist(artifacts, new DeleteDirectorySettings { Recursive = true, Force = true }));

RunTarget(target);
